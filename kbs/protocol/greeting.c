/* SPDX-License-Identifier: MIT */
#include "kbs/protocol/greeting.h"

#include "lib/jose/strict_json.h"

#define PROTOCOL_VERSION "0.4.0"
#define TEE              "snp"

/* What "extra-params" holds is a matter of other kinds of guests. */
bool greeting_is_supported(const void *body, size_t size)
{
    json_t *greeting = strict_json_load(body, size);
    bool supported = greeting &&
                     strict_json_is(json_object_get(greeting, "version"), PROTOCOL_VERSION) &&
                     strict_json_is(json_object_get(greeting, "tee"), TEE) &&
                     json_object_get(greeting, "extra-params");

    json_decref(greeting);
    return supported;
}
