/* SPDX-License-Identifier: MIT */
#include "kbs/admin/authenticate.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "lib/jose/base64.h"

#define CREDENTIALS_MAX 255 /* bytes of USER:TOKEN */

static bool is_token_text(const char *text)
{
    size_t length = strlen(text);

    return length > 0 && length <= TOKEN_TEXT_MAX;
}

/* What follows a scheme's name and its spaces (RFC 9110 11.4); NULL for another scheme. */
static const char *after_scheme(const char *value, const char *scheme)
{
    size_t length = strlen(scheme);

    if (strncasecmp(value, scheme, length) != 0 || value[length] != ' ')
        return NULL;
    return value + length + strspn(value + length, " ");
}

/* The password of USER:PASSWORD in base64 (RFC 7617); the user's name does not matter. */
MUST_CHECK static bool take_password(const char *text, char token[TOKEN_TEXT_MAX + 1])
{
    char credentials[CREDENTIALS_MAX + 1];
    size_t size = 0;
    const char *colon;
    bool taken = false;

    if (base64_decode(BASE64_STANDARD, text, strlen(text), credentials, CREDENTIALS_MAX, &size)) {
        credentials[size] = '\0';
        colon = strchr(credentials, ':');
        taken = colon && strlen(credentials) == size && is_token_text(colon + 1);
        if (taken)
            strcpy(token, colon + 1);
    }
    OPENSSL_cleanse(credentials, sizeof(credentials));
    return taken;
}

MUST_CHECK static bool take_token(const char *value, char token[TOKEN_TEXT_MAX + 1])
{
    const char *bearer = after_scheme(value, "Bearer"), *basic = after_scheme(value, "Basic");

    if (basic)
        return take_password(basic, token);
    if (!bearer || !is_token_text(bearer))
        return false;
    strcpy(token, bearer);
    return true;
}

static bool refuse_stranger(struct call *call, const char *code, const char *message)
{
    http_reply_header(call->reply, "WWW-Authenticate",
                      "Basic realm=\"KBS administration\", charset=\"UTF-8\"");
    return call_refuse(call, HTTP_UNAUTHORIZED, code, "%s", message);
}

/* The token that came with the request, or refuses; the caller wipes it. */
MUST_CHECK static bool find_token(struct call *call, char text[TOKEN_TEXT_MAX + 1])
{
    const char *value = http_request_value(call->request, HTTP_HEADER, "Authorization");

    if (!value)
        return refuse_stranger(call, TOKEN_MISSING,
                               "a token is needed: as Bearer, or as the password of Basic");
    return take_token(value, text) ||
           refuse_stranger(call, "token-invalid", "there is no such token");
}

/* Who is refused stays known, if he was before. */
static bool conclude(struct call *call, enum store_status status, const struct token *token)
{
    if (status == STORE_NOT_FOUND)
        return refuse_stranger(call, "token-invalid",
                               "the token is unknown, has expired or was revoked");
    if (status != STORE_OK)
        return call_refuse_status(call, status, "the token", "could not be read");
    call->actor = *token;
    return true;
}

bool authenticate(struct call *call)
{
    char text[TOKEN_TEXT_MAX + 1];
    struct store_unit *unit = NULL;
    enum store_status status;
    struct token token;

    if (!find_token(call, text))
        return false;
    status = store_begin_reading(call->kbs->store, &unit);
    if (status == STORE_OK)
        status = token_check(unit, text, call->request->now, &token);
    store_abandon(unit);
    OPENSSL_cleanse(text, sizeof(text));
    return conclude(call, status, &token);
}

bool authenticate_again(struct call *call)
{
    char text[TOKEN_TEXT_MAX + 1];
    enum store_status status;
    struct token token;

    if (!find_token(call, text))
        return false;
    status = token_check(call->unit, text, call->request->now, &token);
    OPENSSL_cleanse(text, sizeof(text));
    return conclude(call, status, &token);
}

bool authenticate_knows_sender(const struct kbs *kbs, const struct http_request *request)
{
    struct http_reply unsent = {0};
    struct call call = {.kbs = kbs, .request = request, .reply = &unsent};

    return authenticate(&call);
}
