/* SPDX-License-Identifier: MIT */
#include "kbs/protocol/protocol.h"

#include <string.h>

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "kbs/ca/ca.h"
#include "kbs/keys/keyring.h"
#include "kbs/metrics.h"
#include "kbs/protocol/attest.h"
#include "kbs/protocol/ear_token.h"
#include "kbs/protocol/greeting.h"
#include "kbs/protocol/outcome.h"
#include "kbs/protocol/resource.h"
#include "kbs/protocol/session.h"
#include "kbs/store/secrets.h"
#include "lib/jose/strict_json.h"
#include "lib/release/advert.h"

#define RESOURCE_PREFIX  "/kbs/v0/resource/"
#define PLAIN_NONCE_SIZE 32

/* POST /auth */

/* With a key that signs release records, the nonce says so to those who know what it means. */
static bool make_nonce(const struct kbs *kbs, struct session_nonce *nonce)
{
    struct release_advert advert = {.capabilities = RELEASE_CAP_SIGNED};
    EVP_PKEY *key = keyring_active(kbs->keyring, SIGNING_KEY_RELEASE, advert.kid);

    static_assert(RELEASE_ADVERT_SIZE <= sizeof(nonce->bytes), "an advert is a nonce");
    static_assert(sizeof(advert.kid) == SIGNING_KEY_ID_SIZE, "kid");
    if (!key) {
        nonce->size = PLAIN_NONCE_SIZE;
        return RAND_bytes(nonce->bytes, PLAIN_NONCE_SIZE) == 1;
    }
    EVP_PKEY_free(key);
    if (RAND_bytes(advert.random, sizeof(advert.random)) != 1)
        return false;
    release_advert_write(&advert, nonce->bytes);
    nonce->size = RELEASE_ADVERT_SIZE;
    return true;
}

static void refuse_greeting(const struct kbs *kbs, const struct http_request *request,
                            struct http_reply *reply, enum refusal_kind kind)
{
    struct refusal refusal = refusal_of(kind);
    struct outcome outcome = {.event = "auth"};

    outcome_refuse(kbs, request, reply, &refusal, &outcome);
}

static enum refusal_kind open_session(const struct kbs *kbs, const struct http_request *request,
                                      struct session_nonce *nonce, char id[SESSION_ID_LENGTH + 1])
{
    if (!greeting_is_supported(request->body, request->body_size))
        return REFUSAL_GREETING;
    if (!make_nonce(kbs, nonce))
        return REFUSAL_MEMORY;
    switch (sessions_open(kbs->sessions, nonce, request->now, id)) {
    case SESSION_OK:
        metric_add(METRIC_SESSIONS_OPENED, 1);
        return REFUSAL_NONE;
    case SESSION_FULL:
        metric_add(METRIC_SESSIONS_REFUSED, 1);
        return REFUSAL_SESSIONS;
    case SESSION_BUSY:
        return REFUSAL_BUSY;
    default:
        return REFUSAL_STORAGE;
    }
}

/* A session that is merely opened has no line in the audit log: anybody could fill it. */
static void answer_auth(const struct kbs *kbs, const struct http_request *request,
                        struct http_reply *reply)
{
    struct session_nonce nonce;
    char id[SESSION_ID_LENGTH + 1];
    enum refusal_kind refusal = open_session(kbs, request, &nonce, id);

    if (refusal != REFUSAL_NONE) {
        refuse_greeting(kbs, request, reply, refusal);
        return;
    }
    http_reply_json(reply, HTTP_OK,
                    json_pack("{s:o, s:s}", "nonce",
                              strict_json_encode(BASE64_STANDARD, nonce.bytes, nonce.size),
                              "extra-params", ""));
    http_reply_header(reply, "Set-Cookie",
                      SESSION_COOKIE "=%s; Path=/kbs/v0; Max-Age=%d; HttpOnly; SameSite=Strict%s",
                      id, SESSION_LIFETIME, kbs->tls ? "; Secure" : "");
}

static void answer_keys(const struct kbs *kbs, const struct http_request *request,
                        struct http_reply *reply)
{
    (void)request;
    http_reply_json(reply, HTTP_OK, ear_token_keys(kbs));
}

/* What anybody may know of the authorities for endorsement keys. */

static void answer_ca(const struct kbs *kbs, const struct http_request *request, bool crls,
                      struct http_reply *reply)
{
    struct store_unit *unit = NULL;
    enum store_status status = store_begin_reading(kbs->store, &unit);
    struct refusal refusal;

    if (status == STORE_OK)
        status = crls ? ca_crls(unit, request->now, &reply->body, &reply->body_size)
                      : ca_certificates(unit, &reply->body, &reply->body_size);
    store_abandon(unit);
    reply->status = HTTP_OK;
    reply->content_type = "application/x-pem-file";
    if (status != STORE_OK) {
        refusal = refusal_of_store(status);
        refusal_write(reply, refusal.status, refusal.variant, refusal.code);
    }
}

static void answer_ca_certificates(const struct kbs *kbs, const struct http_request *request,
                                   struct http_reply *reply)
{
    answer_ca(kbs, request, false, reply);
}

static void answer_ca_crls(const struct kbs *kbs, const struct http_request *request,
                           struct http_reply *reply)
{
    answer_ca(kbs, request, true, reply);
}

static const struct {
    const char *method, *path;
    void (*answer)(const struct kbs *, const struct http_request *, struct http_reply *);
} routes[] = {
    {"POST", "/kbs/v0/auth", answer_auth},
    {"POST", "/kbs/v0/attest", attest_answer},
    {"GET", "/.well-known/jwks.json", answer_keys},
    {"GET", "/kbs/v0/ca.pem", answer_ca_certificates},
    {"GET", CA_CRL_PATH, answer_ca_crls},
};

/* No HEAD: it would be a release, with its line, that reaches nobody. */
static bool is_resource(const struct http_request *request)
{
    return strcmp(request->method, "GET") == 0 && !request->head &&
           strncmp(request->path, RESOURCE_PREFIX, strlen(RESOURCE_PREFIX)) == 0 &&
           secret_is_path(request->path + strlen(RESOURCE_PREFIX));
}

static void route(const struct kbs *kbs, const struct http_request *request,
                  struct http_reply *reply)
{
    struct refusal refusal = refusal_of(REFUSAL_PATH);

    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
        if (strcmp(request->method, routes[i].method) == 0 &&
            strcmp(request->path, routes[i].path) == 0) {
            routes[i].answer(kbs, request, reply);
            return;
        }
    if (is_resource(request))
        resource_answer(kbs, request, request->path + strlen(RESOURCE_PREFIX), reply);
    else
        refusal_write(reply, refusal.status, refusal.variant, refusal.code);
}

void protocol_answer(void *context, const struct http_request *request, struct http_reply *reply)
{
    struct refusal too_large = refusal_of(REFUSAL_TOO_LARGE);

    if (request->body_size > PROTOCOL_BODY_MAX)
        refusal_write(reply, too_large.status, too_large.variant, too_large.code);
    else
        route(context, request, reply);
    http_reply_header(reply, "Cache-Control", "no-store");
}
