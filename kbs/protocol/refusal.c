/* SPDX-License-Identifier: MIT */
#include "kbs/protocol/refusal.h"

#include <jansson.h>

#define ERROR_TYPE "https://github.com/confidential-containers/kbs/errors/"

static const struct refusal refusals[] = {
#define R(name, status, variant, code, words) [REFUSAL_##name] = {status, variant, code, words},
    REFUSALS(R)
#undef R
};

struct refusal refusal_of(enum refusal_kind kind)
{
    return refusals[kind];
}

struct refusal refusal_of_store(enum store_status status)
{
    return refusals[status == STORE_CONFLICT ? REFUSAL_BUSY : REFUSAL_STORAGE];
}

struct refusal refusal_of_verdict(enum verdict verdict, const char *variant)
{
    if (verdict == VERDICT_INTERNAL)
        return refusals[REFUSAL_MEMORY];
    return (struct refusal){401, variant, verdict_code(verdict), verdict_text(verdict)};
}

struct refusal refusal_of_request(enum attest_request_status status)
{
    return (struct refusal){401, "SerdeError", attest_request_code(status),
                            attest_request_text(status)};
}

void refusal_write(struct http_reply *reply, unsigned status, const char *variant, const char *code)
{
    http_reply_json(reply, status,
                    json_pack("{s:s+, s:s}", "type", ERROR_TYPE, variant, "detail", code));
    reply->refused = true;
}
