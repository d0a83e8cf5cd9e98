/* SPDX-License-Identifier: MIT */
#include "kbs/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "kbs/attestation_request.h"
#include "kbs/evidence/evidence.h"
#include "kbs/log.h"
#include "lib/jose/base64.h"
#include "lib/jose/jwe_ecdh.h"

#define PROTOCOL_VERSION "0.4.0"
#define ERROR_TYPE       "https://github.com/confidential-containers/kbs/errors/"
#define TOKEN_SIZE       16

enum http_status {
    HTTP_OK = 200,
    HTTP_UNAUTHORIZED = 401,
    HTTP_NOT_FOUND = 404,
    HTTP_TOO_MANY_REQUESTS = 429,
};

/* Hands over json, which may be NULL. */
static void reply_with(struct api_reply *reply, unsigned status, json_t *json)
{
    reply->status = status;
    reply->body = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
}

void api_refuse(struct api_reply *reply, unsigned status, const char *variant, const char *code)
{
    reply_with(reply, status,
               json_pack("{s:s+, s:s}", "type", ERROR_TYPE, variant, "detail", code));
}

/* Refuses and says so in the log. */
static void refuse(const struct api_request *request, const char *event, struct api_reply *reply,
                   unsigned status, const char *variant, const char *code)
{
    log_event(event, "{s:s, s:s, s:s}", "result", "refused", "reason", code, "peer", request->peer);
    api_refuse(reply, status, variant, code);
}

static const char *platform_name(enum platform platform)
{
    switch (platform) {
    case PLATFORM_AMD:
        return "AMD SEV-SNP";
    case PLATFORM_EMULATED:
        return "EMULATED: NOT CONFIDENTIAL";
    default:
        return "unknown";
    }
}

/* POST /auth */

static bool is_supported_hello(const struct api_request *request)
{
    json_t *hello = json_loadb(request->body, request->body_size, JSON_REJECT_DUPLICATES, NULL);
    const char *version = json_string_value(json_object_get(hello, "version"));
    const char *tee = json_string_value(json_object_get(hello, "tee"));
    bool supported = version && strcmp(version, PROTOCOL_VERSION) == 0 && tee &&
                     strcmp(tee, "snp") == 0 && json_object_get(hello, "extra-params");

    json_decref(hello);
    return supported;
}

static void answer_auth(struct api *api, const struct api_request *request, struct api_reply *reply)
{
    char nonce[BASE64_LENGTH(SESSION_NONCE_SIZE) + 1];
    const struct session *session;

    if (!is_supported_hello(request)) {
        refuse(request, "auth", reply, HTTP_UNAUTHORIZED, "AttestationError",
               "request-unsupported");
        return;
    }
    session = sessions_open(api->sessions, request->now);
    if (!session) {
        refuse(request, "auth", reply, HTTP_TOO_MANY_REQUESTS, "AttestationError",
               "sessions-exhausted");
        return;
    }
    base64_encode(BASE64_STANDARD, session->nonce, sizeof(session->nonce), nonce);
    memcpy(reply->session_id, session->id, sizeof(reply->session_id));
    reply_with(reply, HTTP_OK, json_pack("{s:s, s:s}", "nonce", nonce, "extra-params", ""));
    log_event("auth", "{s:s, s:s}", "result", "challenged", "peer", request->peer);
}

/* POST /attest */

static bool admit_registered(void *context, const uint8_t measurement[LAUNCH_DIGEST_SIZE],
                             struct finding *finding)
{
    struct api *api = context;
    enum store_status status = store_has(api->store, measurement);
    char found[2 * LAUNCH_DIGEST_SIZE + 1];

    if (status == STORE_FAILED)
        log_event("storage", "{s:s, s:s}", "result", "failed", "reason",
                  store_reason(api->store, status));
    return status == STORE_OK || finding_fail(finding, VERDICT_MEASUREMENT_UNKNOWN, "found %s",
                                              hex_text(measurement, LAUNCH_DIGEST_SIZE, found));
}

/* REPORT_DATA = SHA-512(x || y || nonce): the key first, so that no nonce can stand for one. */
static bool expected_report_data(const struct attestation_request *attestation,
                                 uint8_t report_data[REPORT_DATA_SIZE])
{
    struct {
        struct p521_point key;
        uint8_t nonce[SESSION_NONCE_SIZE];
    } bound = {.key = attestation->key};

    static_assert(sizeof(bound) == 2 * P521_COORDINATE_SIZE + SESSION_NONCE_SIZE, "no padding");
    memcpy(bound.nonce, attestation->nonce, sizeof(bound.nonce));
    return SHA512((const uint8_t *)&bound, sizeof(bound), report_data) != NULL;
}

static bool verify(struct api *api, const struct api_request *request,
                   const struct attestation_request *attestation, struct attested *attested,
                   struct finding *finding)
{
    const struct evidence evidence = {
        .report = attestation->report,
        .report_size = attestation->report_size,
        .certificate_table = attestation->certificate_table,
        .certificate_table_size = attestation->certificate_table_size,
    };
    const struct verifier verifier = {.trust = api->trust};
    struct requirements requirements;
    struct expectation expected = {
        .requirements = &requirements,
        .admit = admit_registered,
        .context = api,
        .now = request->now,
    };

    requirements_strict(&requirements);
    requirements.crl = CRL_OFF;
    *attested = (struct attested){0};
    if (!expected_report_data(attestation, expected.report_data))
        return finding_fail(finding, VERDICT_INTERNAL, "no SHA-512");
    return evidence_verify(&verifier, &evidence, &expected, attested, finding);
}

static void log_finding(const struct api_request *request, const struct attested *attested,
                        const struct finding *finding)
{
    char measurement[2 * LAUNCH_DIGEST_SIZE + 1];

    for (size_t i = 0; i < LAUNCH_DIGEST_SIZE; i++)
        sprintf(measurement + 2 * i, "%02x", attested->report.measurement[i]);
    log_event("attest", "{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "result",
              finding->verdict == VERDICT_OK ? "accepted" : "refused", "reason",
              verdict_code(finding->verdict), "text", verdict_text(finding->verdict), "detail",
              finding->detail, "platform", platform_name(attested->platform), "measurement",
              measurement, "peer", request->peer);
}

static void grant(struct session *session, const struct attestation_request *attestation,
                  const struct attested *attested)
{
    memcpy(session->measurement, attested->report.measurement, sizeof(session->measurement));
    session->key = attestation->key;
    session->platform = attested->platform;
    session->state = SESSION_GRANTED;
}

/* The session is what authorises; the token only satisfies clients that expect one. */
static void reply_token(struct api_reply *reply)
{
    uint8_t token[TOKEN_SIZE];
    char text[BASE64_LENGTH(TOKEN_SIZE) + 1] = "";

    if (RAND_bytes(token, sizeof(token)) == 1)
        base64_encode(BASE64_URL, token, sizeof(token), text);
    reply_with(reply, HTTP_OK, json_pack("{s:s}", "token", text));
}

/* The nonce of session has been spent; what is decided here is final for it. */
static void attest(struct api *api, const struct api_request *request, struct session *session,
                   struct api_reply *reply)
{
    struct attestation_request attestation;
    struct attested attested;
    struct finding finding;

    if (!attestation_request_parse(request->body, request->body_size, &attestation)) {
        refuse(request, "attest", reply, HTTP_UNAUTHORIZED, "SerdeError", "request-malformed");
        return;
    }
    if (CRYPTO_memcmp(attestation.nonce, session->nonce, sizeof(session->nonce)) != 0) {
        refuse(request, "attest", reply, HTTP_UNAUTHORIZED, "AttestationError", "nonce-mismatch");
    } else if (verify(api, request, &attestation, &attested, &finding)) {
        log_finding(request, &attested, &finding);
        grant(session, &attestation, &attested);
        reply_token(reply);
    } else {
        log_finding(request, &attested, &finding);
        api_refuse(reply, HTTP_UNAUTHORIZED, "AttestationError", verdict_code(finding.verdict));
    }
    attestation_request_free(&attestation);
}

static struct session *session_of(struct api *api, const struct api_request *request)
{
    return request->session_id ? sessions_find(api->sessions, request->session_id, request->now)
                               : NULL;
}

static void answer_attest(struct api *api, const struct api_request *request,
                          struct api_reply *reply)
{
    struct session *session = session_of(api, request);

    if (!session)
        refuse(request, "attest", reply, HTTP_UNAUTHORIZED, "AttestationError", "session-unknown");
    else if (!session_spend_nonce(session, request->now))
        refuse(request, "attest", reply, HTTP_UNAUTHORIZED, "AttestationError", "nonce-spent");
    else
        attest(api, request, session, reply);
}

/* GET /resource/default/sample/test */

static json_t *jwe_to_json(const struct jwe *jwe)
{
    char wrapped_cek[BASE64_LENGTH(JWE_WRAPPED_CEK_SIZE) + 1];
    char iv[BASE64_LENGTH(JWE_IV_SIZE) + 1];
    char tag[BASE64_LENGTH(JWE_TAG_SIZE) + 1];
    char ciphertext[BASE64_LENGTH(STATE_KEY_SIZE) + 1];

    base64_encode(BASE64_URL, jwe->wrapped_cek, sizeof(jwe->wrapped_cek), wrapped_cek);
    base64_encode(BASE64_URL, jwe->iv, sizeof(jwe->iv), iv);
    base64_encode(BASE64_URL, jwe->tag, sizeof(jwe->tag), tag);
    base64_encode(BASE64_URL, jwe->ciphertext, STATE_KEY_SIZE, ciphertext);
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "protected", jwe->protected, "encrypted_key",
                     wrapped_cek, "iv", iv, "ciphertext", ciphertext, "tag", tag);
}

static void release(struct api *api, const struct api_request *request,
                    const struct session *session, struct api_reply *reply)
{
    uint8_t secret[STATE_KEY_SIZE];
    struct jwe jwe;
    enum store_status fetched = store_fetch(api->store, session->measurement, secret);
    enum jwe_status encrypted;

    if (fetched != STORE_OK) {
        refuse(request, "release", reply, HTTP_UNAUTHORIZED, "PluginInternalError",
               fetched == STORE_NOT_FOUND ? "resource-missing" : "storage-failed");
        return;
    }
    encrypted = jwe_encrypt(&session->key, secret, sizeof(secret), &jwe);
    OPENSSL_cleanse(secret, sizeof(secret));
    if (encrypted != JWE_OK) {
        refuse(request, "release", reply, HTTP_UNAUTHORIZED, "JweError",
               encrypted == JWE_BAD_POINT ? "key-invalid" : "encryption-failed");
        return;
    }
    reply_with(reply, HTTP_OK, jwe_to_json(&jwe));
    log_event("release", "{s:s, s:s, s:s}", "result", "released", "platform",
              platform_name(session->platform), "peer", request->peer);
}

static void answer_resource(struct api *api, const struct api_request *request,
                            struct api_reply *reply)
{
    const struct session *session = session_of(api, request);

    if (!session || session->state != SESSION_GRANTED)
        refuse(request, "release", reply, HTTP_UNAUTHORIZED, "TokenNotFound", "not-attested");
    else
        release(api, request, session, reply);
}

static const struct {
    const char *method, *path;
    void (*answer)(struct api *, const struct api_request *, struct api_reply *);
} routes[] = {
    {"POST", "/kbs/v0/auth", answer_auth},
    {"POST", "/kbs/v0/attest", answer_attest},
    {"GET", "/kbs/v0/resource/default/sample/test", answer_resource},
};

void api_answer(struct api *api, const struct api_request *request, struct api_reply *reply)
{
    *reply = (struct api_reply){0};
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
        if (strcmp(request->method, routes[i].method) == 0 &&
            strcmp(request->path, routes[i].path) == 0) {
            routes[i].answer(api, request, reply);
            return;
        }
    refuse(request, "request", reply, HTTP_NOT_FOUND, "InvalidRequestPath", "no-such-path");
}
