/* SPDX-License-Identifier: MIT */
/* /admin/v1/tokens */
#include "kbs/store/tokens.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "kbs/admin/json_values.h"
#include "kbs/admin/routes.h"

#define LIFETIME_MAX (100 * 366 * 86400LL) /* seconds */

static const char *role_text(enum role role)
{
    return role == ROLE_OWNER ? "owner" : "auditor";
}

static json_t *token_json(const struct token *token)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "name", token->name, "role",
                     role_text(token->role), "created", json_time(token->created), "expires",
                     json_time(token->expires), "revoked", json_time(token->revoked));
}

static void add_token(void *list, const struct token *token)
{
    json_array_append_new(list, token_json(token));
}

bool tokens_list(struct call *call)
{
    json_t *list = json_array();
    enum store_status status = token_each(call->unit, add_token, list);

    if (status != STORE_OK) {
        json_decref(list);
        return call_refuse_status(call, status, "tokens", "cannot be listed");
    }
    return call_reply(call, HTTP_OK, json_pack("{s:o}", "tokens", list));
}

MUST_CHECK static bool take_role(struct call *call, const char *text, enum role *role)
{
    *role = strcmp(text, "owner") == 0 ? ROLE_OWNER : ROLE_AUDITOR;
    return *role == ROLE_OWNER || strcmp(text, "auditor") == 0 ||
           call_refuse(call, HTTP_BAD_REQUEST, "role-invalid",
                       "role: must be \"owner\" or \"auditor\"");
}

bool tokens_create(struct call *call)
{
    const char *name, *role;
    json_int_t lifetime = 0;
    struct token token = {.created = call->request->now};
    char text[TOKEN_TEXT_MAX + 1];
    enum store_status status;
    json_t *reply;

    if (!call_unpack(call, "{s:s, s:s, s?I}", "name", &name, "role", &role, "lifetime",
                     &lifetime) ||
        !call_name_object(call, name) || !take_role(call, role, &token.role))
        return false;
    if (json_object_get(call->body, "lifetime") && (lifetime < 1 || lifetime > LIFETIME_MAX))
        return call_refuse(call, HTTP_BAD_REQUEST, "lifetime-invalid",
                           "lifetime: must be 1 to %lld seconds", LIFETIME_MAX);
    snprintf(token.name, sizeof(token.name), "%s", name);
    token.expires = lifetime ? token.created + (time_t)lifetime : 0;
    status = token_create(call->unit, &token, text);
    if (status == STORE_NAME_USED)
        return call_refuse(
            call, HTTP_CONFLICT, "name-used",
            "a revoked token has the name %s, which stands for its owner in the audit "
            "log: choose another name",
            name);
    if (status != STORE_OK)
        return call_refuse_status(call, status, "token", name);
    reply = token_json(&token);
    json_object_set_new(reply, "token", json_string(text));
    OPENSSL_cleanse(text, sizeof(text));
    return call_reply(call, HTTP_CREATED, reply);
}

/* Whether somebody could still change anything when the token of that name is gone. */
struct owners {
    const char *without;
    time_t now;
    bool left;
};

static void look_for_owner(void *context, const struct token *token)
{
    struct owners *owners = context;

    if (token->role == ROLE_OWNER && !token->revoked &&
        (!token->expires || token->expires > owners->now) &&
        strcmp(token->name, owners->without) != 0)
        owners->left = true;
}

bool tokens_revoke(struct call *call)
{
    struct owners owners = {.without = call->object, .now = call->request->now};
    enum store_status status;

    if (!call_unpack(call, "{}"))
        return false;
    status = token_each(call->unit, look_for_owner, &owners);
    if (status == STORE_OK && !owners.left)
        return call_refuse(call, HTTP_CONFLICT, "last-owner",
                           "no other owner's token would be valid: make one first");
    if (status == STORE_OK)
        status = token_revoke(call->unit, call->object, call->request->now);
    if (status != STORE_OK)
        return call_refuse_status(call, status, "token", call->object);
    return call_reply(call, HTTP_OK, json_pack("{s:s, s:b}", "name", call->object, "revoked", 1));
}
