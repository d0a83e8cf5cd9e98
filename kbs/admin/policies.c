/* SPDX-License-Identifier: MIT */
/* /admin/v1/policies */
#include "kbs/store/policies.h"

#include <stdlib.h>
#include <string.h>

#include "kbs/admin/json_values.h"
#include "kbs/admin/routes.h"
#include "kbs/policy/policy.h"

static json_t *record_json(const struct policy_record *policy)
{
    return json_pack("{s:s, s:o}", "name", policy->name, "updated", json_time(policy->updated));
}

static void add_record(void *list, const struct policy_record *policy)
{
    json_array_append_new(list, record_json(policy));
}

bool policies_list(struct call *call)
{
    json_t *list = json_array();
    enum store_status status = policy_each(call->unit, add_record, list);

    if (status != STORE_OK) {
        json_decref(list);
        return call_refuse_status(call, status, "policies", "cannot be listed");
    }
    return call_reply(call, HTTP_OK, json_pack("{s:o}", "policies", list));
}

/* The record of one name, out of the list: it is short, and has the time. */
struct search {
    const char *name;
    json_t *found;
};

static void take_named(void *context, const struct policy_record *policy)
{
    struct search *search = context;

    if (strcmp(policy->name, search->name) == 0 && !search->found)
        search->found = json_pack("{s:s, s:o, s:s}", "name", policy->name, "updated",
                                  json_time(policy->updated), "text", policy->text);
}

bool policies_show(struct call *call)
{
    struct search search = {.name = call->object};
    enum store_status status = policy_each(call->unit, take_named, &search);

    if (status == STORE_OK && !search.found)
        status = STORE_NOT_FOUND;
    if (status == STORE_OK)
        return call_reply(call, HTTP_OK, search.found);
    json_decref(search.found);
    return call_refuse_status(call, status, "policy", call->object);
}

bool policies_show_default(struct call *call)
{
    return call_reply(call, HTTP_OK,
                      json_pack("{s:s, s:s}", "name", "default", "text", policy_default_text));
}

/* The images that a policy names and nobody registered: not wrong, since they may come later, but
 * a misspelt one would refuse everybody without a word. */
MUST_CHECK static enum store_status unknown_images(struct store_unit *unit,
                                                   const struct policy *policy, json_t *unknown)
{
    struct image image;
    enum store_status status = STORE_OK;

    for (size_t i = 0; i < policy->image_count && status == STORE_OK; i++) {
        status = image_by_name(unit, policy->images[i], &image);
        if (status == STORE_NOT_FOUND) {
            json_array_append_new(unknown, json_string(policy->images[i]));
            status = STORE_OK;
        }
    }
    return status;
}

/* What the text says, or why it says nothing; false when the store fails. */
MUST_CHECK static bool examine(struct call *call, const char *text, struct policy_error *error,
                               bool *valid, json_t **unknown)
{
    struct policy policy;
    enum store_status status;

    *unknown = json_array();
    *valid = policy_parse(text, &policy, error);
    if (!*valid)
        return true;
    status = unknown_images(call->unit, &policy, *unknown);
    policy_free(&policy);
    if (status == STORE_OK)
        return true;
    json_decref(*unknown);
    *unknown = NULL;
    return call_refuse_status(call, status, "images", "cannot be looked up");
}

bool policies_validate(struct call *call)
{
    struct policy_error error;
    const char *text;
    json_t *unknown;
    bool valid;

    if (!call_unpack(call, "{s:s}", "text", &text) ||
        !examine(call, text, &error, &valid, &unknown))
        return false;
    return call_reply(call, HTTP_OK,
                      json_pack("{s:b, s:s*, s:o}", "valid", valid, "problem",
                                valid ? NULL : error.text, "unknown_images", unknown));
}

bool policies_put(struct call *call)
{
    struct policy_error error;
    const char *text;
    json_t *unknown;
    int replace = 0;
    bool valid;
    enum store_status status;

    if (!call_name_object(call, call->object) ||
        !call_unpack(call, "{s:s, s?b}", "text", &text, "replace", &replace))
        return false;
    if (strlen(text) > POLICY_TEXT_MAX)
        return call_refuse(call, HTTP_CONTENT_TOO_LARGE, "too-large",
                           "a policy has at most %d bytes", POLICY_TEXT_MAX);
    if (!examine(call, text, &error, &valid, &unknown))
        return false;
    status =
        valid ? policy_put(call->unit, call->object, text, replace, call->request->now) : STORE_OK;
    if (valid && status == STORE_OK)
        return call_reply(call, HTTP_OK,
                          json_pack("{s:s, s:o}", "name", call->object, "unknown_images", unknown));
    json_decref(unknown);
    if (!valid)
        return call_refuse(call, HTTP_BAD_REQUEST, "policy-invalid", "%s", error.text);
    if (status == STORE_RETIRED)
        return call_refuse(call, HTTP_CONFLICT, "retired",
                           "policy %s was removed; another one gets the name with replace (kbsctl: "
                           "--replace) only",
                           call->object);
    return call_refuse_status(call, status, "policy", call->object);
}

bool policies_remove(struct call *call)
{
    enum store_status status;

    if (!call_unpack(call, "{}"))
        return false;
    if (strcmp(call->object, call->kbs->attestation_policy) == 0)
        return call_refuse(call, HTTP_CONFLICT, "configured",
                           "policy %s is attestation-policy in the server's kbs.conf: name another "
                           "one there and restart the server first",
                           call->object);
    status = policy_remove(call->unit, call->object, call->request->now);
    if (status != STORE_OK)
        return call_refuse_status(call, status, "policy", call->object);
    return call_reply(call, HTTP_OK, json_pack("{s:s, s:b}", "name", call->object, "removed", 1));
}
