/* SPDX-License-Identifier: MIT */
#include "services/attest/attestation_protocol.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/jose/base64.h"

/* A well-formed message has 5; jansson recurses for each level, and the stack has an end. */
#define BRACKETS_MAX 64

static json_t *load_object(const char *json, size_t size)
{
    size_t brackets = 0;
    json_t *root;

    for (size_t i = 0; i < size; i++)
        brackets += json[i] == '[' || json[i] == '{';
    if (brackets > BRACKETS_MAX)
        return NULL;
    root = json_loadb(json, size, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(root)) {
        json_decref(root);
        return NULL;
    }
    return root;
}

static bool is_string(const json_t *value, const char *expected)
{
    return json_is_string(value) && strcmp(json_string_value(value), expected) == 0;
}

static bool decode_member(const json_t *object, const char *name, void *out, size_t room,
                          size_t *size)
{
    const json_t *text = json_object_get(object, name);

    return json_is_string(text) && base64_decode(BASE64_STANDARD, json_string_value(text),
                                                 json_string_length(text), out, room, size);
}

static bool decode_exact(const json_t *object, const char *name, void *out, size_t size)
{
    const json_t *text = json_object_get(object, name);

    return json_is_string(text) && base64_decode_exact(BASE64_STANDARD, json_string_value(text),
                                                       json_string_length(text), out, size);
}

/* The proxy's reason chooses among errors of ours; its text goes nowhere. */
static enum attest_error given_reason(const json_t *root)
{
    static const struct {
        const char *reason;
        enum attest_error error;
    } reasons[] = {
        {"kbs-unreachable", ATTEST_ERR_KBS_UNREACHABLE},
        {"kbs-refused", ATTEST_ERR_KBS_REFUSED},
        {"kbs-protocol", ATTEST_ERR_KBS_PROTOCOL},
        {"kbs-tls", ATTEST_ERR_KBS_TLS},
        {"kbs-busy", ATTEST_ERR_KBS_BUSY},
        {"kbs-error", ATTEST_ERR_KBS_ERROR},
        {"kbs-gateway", ATTEST_ERR_KBS_GATEWAY},
        {"kbs-redirect", ATTEST_ERR_KBS_REDIRECT},
        {"kbs-version", ATTEST_ERR_KBS_VERSION},
        {"protocol-version", ATTEST_ERR_VERSION},
        {"message-malformed", ATTEST_ERR_MESSAGE},
    };
    const json_t *reason = json_object_get(root, "reason");

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (is_string(reason, reasons[i].reason))
            return reasons[i].error;
    return ATTEST_ERR_UNEXPLAINED;
}

/* The recipe is no choice of the proxy's: any other than ours is refused, not followed. */
static bool is_our_recipe(const json_t *params)
{
    return json_array_size(params) == 2 &&
           is_string(json_array_get(params, 0), "EcPublicKeyBytes") &&
           is_string(json_array_get(params, 1), "Challenge");
}

static enum attest_error read_challenge(const json_t *root, struct challenge *challenge)
{
    const json_t *text = json_object_get(root, "challenge");
    uint8_t bytes[CHALLENGE_SIZE_MAX + 1]; /* what BASE64_LENGTH(CHALLENGE_SIZE_MAX) can hold */

    if (!json_is_string(text))
        return ATTEST_ERR_NEGOTIATION;
    if (json_string_length(text) == 0)
        return given_reason(root);
    if (json_string_length(text) > BASE64_LENGTH(CHALLENGE_SIZE_MAX))
        return ATTEST_ERR_CHALLENGE_SIZE;
    if (!decode_member(root, "challenge", bytes, sizeof(bytes), &challenge->size))
        return ATTEST_ERR_NEGOTIATION;
    if (challenge->size < CHALLENGE_SIZE_MIN || challenge->size > CHALLENGE_SIZE_MAX)
        return ATTEST_ERR_CHALLENGE_SIZE;
    memcpy(challenge->bytes, bytes, challenge->size);
    return ATTEST_OK;
}

enum attest_error negotiation_response_parse(const char *json, size_t size,
                                             struct challenge *challenge)
{
    json_t *root = load_object(json, size);
    enum attest_error error;

    if (!root)
        return ATTEST_ERR_JSON;
    error = read_challenge(root, challenge);
    if (!error && !is_our_recipe(json_object_get(root, "params")))
        error = ATTEST_ERR_RECIPE;
    json_decref(root);
    return error;
}

/* Everything binary of an AttestationRequest, as text. */
struct request_texts {
    char report[BASE64_LENGTH(REPORT_SIZE) + 1];
    char certificates[BASE64_LENGTH(AMD_SP_CERTIFICATES_SIZE) + 1];
    char challenge[BASE64_LENGTH(RELEASE_CHALLENGE_MAX) + 1];
    char x[BASE64_LENGTH(P521_COORDINATE_SIZE) + 1];
    char y[BASE64_LENGTH(P521_COORDINATE_SIZE) + 1];
};

char *attestation_request_format(const struct attestation_evidence *evidence,
                                 const struct challenge *challenge, const struct p521_point *own)
{
    struct request_texts *texts = malloc(sizeof(*texts));
    json_t *root;
    char *json;

    if (!texts)
        return NULL;
    base64_encode(BASE64_STANDARD, evidence->report, REPORT_SIZE, texts->report);
    base64_encode(BASE64_STANDARD, evidence->certificates, evidence->certificates_size,
                  texts->certificates);
    base64_encode(BASE64_STANDARD, challenge->bytes, challenge->size, texts->challenge);
    base64_encode(BASE64_STANDARD, own->x, sizeof(own->x), texts->x);
    base64_encode(BASE64_STANDARD, own->y, sizeof(own->y), texts->y);

    /* "s*": certs_buf is left out, for null there breaks other proxies' parsers. */
    root = json_pack("{s:s, s:{s:{s:s, s:s*}}, s:s, s:{s:s, s:s}}",                         //
                     "tee", "snp",                                                          //
                     "evidence", "Snp", "report", texts->report,                            //
                     "certs_buf", evidence->certificates_size ? texts->certificates : NULL, //
                     "challenge", texts->challenge,                                         //
                     "key", "x", texts->x, "y", texts->y);
    json = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    free(texts);
    return json;
}

/* The token is for others; only its shape is checked. */
static bool is_token(const json_t *token)
{
    return !token || json_is_null(token) || json_is_string(json_object_get(token, "Jwt")) ||
           json_is_string(json_object_get(token, "Cwt"));
}

/* aad is text again: the base64url of the protected header. */
static bool read_protected_header(const json_t *decryption, struct jwe *reply)
{
    size_t length;

    if (!decode_member(decryption, "aad", reply->protected, JWE_PROTECTED_MAX, &length))
        return false;
    reply->protected[length] = '\0';
    return strlen(reply->protected) == length;
}

static bool read_reply(const json_t *root, struct jwe *reply)
{
    const json_t *decryption = json_object_get(root, "decryption");
    const json_t *epk = json_object_get(decryption, "epk");

    return decode_exact(epk, "x", reply->epk.x, sizeof(reply->epk.x)) &&
           decode_exact(epk, "y", reply->epk.y, sizeof(reply->epk.y)) &&
           decode_exact(decryption, "wrapped_cek", reply->wrapped_cek,
                        sizeof(reply->wrapped_cek)) &&
           read_protected_header(decryption, reply) &&
           decode_exact(decryption, "iv", reply->iv, sizeof(reply->iv)) &&
           decode_exact(decryption, "tag", reply->tag, sizeof(reply->tag)) &&
           decode_member(root, "secret", reply->ciphertext, sizeof(reply->ciphertext),
                         &reply->size) &&
           reply->size > 0 && is_token(json_object_get(root, "token"));
}

enum attest_error attestation_response_parse(const char *json, size_t size, struct jwe *reply)
{
    json_t *root = load_object(json, size);
    const json_t *success;
    enum attest_error error = ATTEST_OK;

    if (!root)
        return ATTEST_ERR_JSON;
    success = json_object_get(root, "success");
    if (json_is_false(success))
        error = given_reason(root);
    else if (!json_is_true(success) || !read_reply(root, reply))
        error = ATTEST_ERR_ATTESTATION;
    json_decref(root);
    return error;
}
