/* SPDX-License-Identifier: MIT */
/* /admin/v1/secrets: values go in and never come out. */
#include "kbs/store/secrets.h"

#include <openssl/crypto.h>

#include "kbs/admin/json_values.h"
#include "kbs/admin/routes.h"

static json_t *secret_json(const struct secret *secret)
{
    return json_pack("{s:s, s:s, s:i, s:I, s:o}", "path", secret->path, "policy", secret->policy,
                     "version", (int)secret->version, "size", (json_int_t)secret->size, "updated",
                     json_time(secret->updated));
}

static void add_secret(void *list, const struct secret *secret)
{
    json_array_append_new(list, secret_json(secret));
}

bool secrets_list(struct call *call)
{
    json_t *list = json_array();
    enum store_status status = secret_each(call->unit, add_secret, list);

    if (status != STORE_OK) {
        json_decref(list);
        return call_refuse_status(call, status, "secrets", "cannot be listed");
    }
    return call_reply(call, HTTP_OK, json_pack("{s:o}", "secrets", list));
}

static bool reply_secret(struct call *call)
{
    struct secret secret;
    enum store_status status = secret_info(call->unit, call->object, &secret);

    if (status != STORE_OK)
        return call_refuse_status(call, status, "secret", call->object);
    return call_reply(call, HTTP_OK, secret_json(&secret));
}

bool secrets_show(struct call *call)
{
    return reply_secret(call);
}

static bool store_secret(struct call *call, const char *policy, const uint8_t *bytes, size_t size,
                         bool replace)
{
    enum store_status status =
        secret_put(call->unit, call->object, policy, bytes, size, replace, call->request->now);

    if (status == STORE_NOT_FOUND)
        return call_refuse(call, HTTP_CONFLICT, "policy-unknown", "there is no policy %s", policy);
    if (status == STORE_RETIRED)
        return call_refuse(call, HTTP_CONFLICT, "retired",
                           "the secret at %s was retired; another one goes there with replace "
                           "(kbsctl: --replace) only",
                           call->object);
    if (status != STORE_OK)
        return call_refuse_status(call, status, "secret", call->object);
    return reply_secret(call);
}

bool secrets_put(struct call *call)
{
    const char *value, *policy;
    uint8_t *bytes;
    size_t size;
    int replace = 0;
    bool done;

    if (!secret_is_path(call->object))
        return call_refuse(call, HTTP_BAD_REQUEST, "path-invalid",
                           "a secret's path is REPOSITORY/TYPE/TAG, each of A-Z a-z 0-9 _ . -");
    if (!call_unpack(call, "{s:s, s:s, s?b}", "value", &value, "policy", &policy, "replace",
                     &replace))
        return false;
    if (!store_is_name(policy))
        return call_refuse(call, HTTP_CONFLICT, "policy-unknown", "there is no such policy");
    if (!call_decode(call, "value", value, SECRET_SIZE_MAX, &bytes, &size))
        return false;
    done = size > 0 ? store_secret(call, policy, bytes, size, replace)
                    : call_refuse(call, HTTP_BAD_REQUEST, "value-empty", "the secret is empty");
    OPENSSL_clear_free(bytes, size);
    return done;
}

bool secrets_retire(struct call *call)
{
    enum store_status status;

    if (!call_unpack(call, "{}"))
        return false;
    status = secret_retire(call->unit, call->object, call->request->now);
    if (status != STORE_OK)
        return call_refuse_status(call, status, "secret", call->object);
    return call_reply(call, HTTP_OK, json_pack("{s:s, s:b}", "path", call->object, "retired", 1));
}
