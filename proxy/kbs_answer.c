/* SPDX-License-Identifier: MIT */
#include "proxy/kbs_answer.h"

#include <stdio.h>
#include <string.h>

#include "proxy/messages.h"

#define STATUS_OK                 200
#define STATUS_EXPECTATION_FAILED 417
#define STATUS_TOO_MANY_REQUESTS  429
#define STATUS_BAD_GATEWAY        502
#define STATUS_UNAVAILABLE        503
#define STATUS_GATEWAY_TIMEOUT    504

/* The "type" of an error of the KBS protocol (RFC 9457) is this and a variant. */
#define ERROR_TYPE "https://github.com/confidential-containers/kbs/errors/"
#define CODE_MAX   64

const char *kbs_status_reason(enum kbs_status status)
{
    static const char *const reasons[] = {
        [KBS_OK] = "ok",
        [KBS_UNREACHABLE] = "kbs-unreachable",
        [KBS_NOT_TRUSTED] = "kbs-tls",
        [KBS_BUSY] = "kbs-busy",
        [KBS_REFUSED] = "kbs-refused",
        [KBS_VERSION] = "kbs-version",
        [KBS_ERROR] = "kbs-error",
        [KBS_GATEWAY] = "kbs-gateway",
        [KBS_REDIRECT] = "kbs-redirect",
        [KBS_PROTOCOL] = "kbs-protocol",
    };

    return reasons[status];
}

/* Whether the text can only be a code: nothing else of an answer goes to a log. */
static bool is_code(const char *text)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    return text && *text && strlen(text) <= CODE_MAX && strspn(text, allowed) == strlen(text);
}

/* The code of an error in the KBS's words: its detail, or else its variant. NULL: it is none. */
static const char *code_of(const json_t *error)
{
    const char *type = json_string_value(json_object_get(error, "type"));
    const char *detail = json_string_value(json_object_get(error, "detail"));

    if (!type || strncmp(type, ERROR_TYPE, strlen(ERROR_TYPE)) != 0 ||
        !is_code(type + strlen(ERROR_TYPE)))
        return NULL;
    return is_code(detail) ? detail : type + strlen(ERROR_TYPE);
}

/* kbs-test refuses without words, by a status that no web server answers to requests like ours. */
static enum kbs_status judge_client_error(enum kbs_step step, long http_status, const char *code)
{
    if (!code && http_status != STATUS_EXPECTATION_FAILED)
        return KBS_PROTOCOL;
    return step == KBS_STEP_AUTH ? KBS_VERSION : KBS_REFUSED;
}

static enum kbs_status judge_server_error(long http_status, const char *code)
{
    if (http_status == STATUS_BAD_GATEWAY || http_status == STATUS_GATEWAY_TIMEOUT)
        return KBS_GATEWAY;
    return http_status == STATUS_UNAVAILABLE && !code ? KBS_BUSY : KBS_ERROR;
}

static enum kbs_status judge_status(enum kbs_step step, long http_status, const char *code)
{
    if (http_status == STATUS_TOO_MANY_REQUESTS)
        return KBS_BUSY;
    switch (http_status / 100) {
    case 3:
        return KBS_REDIRECT;
    case 4:
        return judge_client_error(step, http_status, code);
    case 5:
        return judge_server_error(http_status, code);
    default:
        return KBS_PROTOCOL;
    }
}

static const char *explain(enum kbs_status status)
{
    switch (status) {
    case KBS_VERSION:
        return ": it does not take this protocol (0.4.0), or not for SEV-SNP";
    case KBS_ERROR:
        return ": it failed, or what answers in its place";
    case KBS_GATEWAY:
        return ": what stands before the KBS does not reach it";
    case KBS_REDIRECT:
        return ": a redirect, which is not followed";
    case KBS_PROTOCOL:
        return ", and not in a KBS's words: is there one at this address?";
    default:
        return "";
    }
}

static enum kbs_status judge_failure(enum kbs_step step, long http_status, struct reader body,
                                     struct kbs_problem *problem)
{
    json_t *error = json_bounded(body);
    const char *code = code_of(error);
    enum kbs_status status = judge_status(step, http_status, code);

    snprintf(problem->text, sizeof(problem->text), "HTTP status %ld%s%s%s", http_status,
             code ? ", " : "", code ? code : "", explain(status));
    json_decref(error);
    return status;
}

enum kbs_status kbs_answer_judge(enum kbs_step step, long http_status, struct reader body,
                                 json_t **reply, struct kbs_problem *problem)
{
    *reply = NULL;
    if (http_status != STATUS_OK)
        return judge_failure(step, http_status, body, problem);
    *reply = json_bounded(body);
    if (json_is_object(*reply))
        return KBS_OK;
    json_decref(*reply);
    *reply = NULL;
    snprintf(problem->text, sizeof(problem->text), "its answer is no JSON object");
    return KBS_PROTOCOL;
}
