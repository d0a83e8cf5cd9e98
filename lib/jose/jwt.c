/* SPDX-License-Identifier: MIT */
#include "lib/jose/jwt.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include "lib/ecdsa/der.h"
#include "lib/jose/jwk.h"
#include "lib/jose/strict_json.h"

#define NUMBER_SIZE     32 /* of r and s */
#define DER_MAX         80 /* of an ECDSA-Sig-Value with two such numbers */
#define SIGNATURE_CHARS 86 /* of base64url of r || s */

/* Signing */

static bool sign(EVP_PKEY *key, const char *text, size_t length, uint8_t signature[2 * NUMBER_SIZE])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t der[DER_MAX];
    const uint8_t *start = der;
    size_t size = sizeof(der);
    ECDSA_SIG *numbers = NULL;
    bool done = false;

    if (ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
        EVP_DigestSign(ctx, der, &size, (const uint8_t *)text, length) == 1)
        numbers = d2i_ECDSA_SIG(NULL, &start, (long)size);
    done = numbers &&
           BN_bn2binpad(ECDSA_SIG_get0_r(numbers), signature, NUMBER_SIZE) == NUMBER_SIZE &&
           BN_bn2binpad(ECDSA_SIG_get0_s(numbers), signature + NUMBER_SIZE, NUMBER_SIZE) ==
               NUMBER_SIZE;
    ECDSA_SIG_free(numbers);
    EVP_MD_CTX_free(ctx);
    return done;
}

json_t *jwt_key_to_jwk(const EVP_PKEY *key, const char *kid)
{
    json_t *jwk = jwk_of_ec_key(key);

    if (jwk && json_object_set_new(jwk, "alg", json_string("ES256")) == 0 &&
        json_object_set_new(jwk, "kid", json_string(kid)) == 0 &&
        json_object_set_new(jwk, "use", json_string("sig")) == 0)
        return jwk;
    json_decref(jwk);
    return NULL;
}

/* Appends the base64url of an object's text. */
static bool put_json(char **next, const char *end, const json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    bool fits = text && BASE64_LENGTH(strlen(text)) < (size_t)(end - *next);

    if (fits)
        *next += base64_encode(BASE64_URL, text, strlen(text), *next);
    free(text);
    return fits;
}

char *jwt_sign(EVP_PKEY *key, const char *kid, const json_t *claims)
{
    json_t *header = json_pack("{s:s, s:o, s:s, s:s}", "alg", "ES256", "jwk",
                               jwt_key_to_jwk(key, kid), "kid", kid, "typ", "JWT");
    char *text = malloc(JWT_MAX + 1), *next = text;
    const char *end = text ? text + JWT_MAX - SIGNATURE_CHARS - 3 : NULL;
    uint8_t signature[2 * NUMBER_SIZE];
    bool done = text && put_json(&next, end, header);

    if (done) {
        *next++ = '.';
        done = put_json(&next, end, claims) && sign(key, text, (size_t)(next - text), signature);
    }
    if (done) {
        *next++ = '.';
        base64_encode(BASE64_URL, signature, sizeof(signature), next);
    } else {
        free(text);
        text = NULL;
    }
    json_decref(header);
    return text;
}

/* Verifying */

/* The three parts of a token; signed_length has the first two and the dot between. */
struct parts {
    const char *header, *claims, *signature;
    size_t header_length, claims_length, signature_length, signed_length;
};

static bool split(const char *text, size_t length, struct parts *parts)
{
    const char *first = memchr(text, '.', length);
    const char *second = first ? memchr(first + 1, '.', length - (size_t)(first + 1 - text)) : NULL;

    if (!second)
        return false;
    *parts = (struct parts){
        .header = text,
        .header_length = (size_t)(first - text),
        .claims = first + 1,
        .claims_length = (size_t)(second - first - 1),
        .signature = second + 1,
        .signature_length = length - (size_t)(second + 1 - text),
        .signed_length = (size_t)(second - text),
    };
    return true;
}

static json_t *load(const char *text, size_t length)
{
    char *json = malloc(length + 1);
    json_t *object = NULL;
    size_t size;

    if (json && base64_decode(BASE64_URL, text, length, json, length, &size))
        object = strict_json_load(json, size);
    free(json);
    return object;
}

static enum jwt_status find_key(const json_t *header, jwt_find_key *find, void *context,
                                EVP_PKEY **key)
{
    const char *kid = json_string_value(json_object_get(header, "kid"));

    if (!strict_json_is(json_object_get(header, "alg"), "ES256") || json_object_get(header, "crit"))
        return JWT_ALGORITHM;
    *key = kid && strlen(kid) <= JWT_KID_MAX ? find(context, kid) : NULL;
    return *key ? JWT_OK : JWT_KEY_UNKNOWN;
}

/* 0 if it is no signature. */
static size_t signature_to_der(const struct parts *parts, uint8_t der[ECDSA_DER_MAX])
{
    uint8_t numbers[2 * NUMBER_SIZE];

    if (!base64_decode_exact(BASE64_URL, parts->signature, parts->signature_length, numbers,
                             sizeof(numbers)))
        return 0;
    return ecdsa_der(BN_bin2bn(numbers, NUMBER_SIZE, NULL),
                     BN_bin2bn(numbers + NUMBER_SIZE, NUMBER_SIZE, NULL), der);
}

static enum jwt_status check_signature(const struct parts *parts, EVP_PKEY *key)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t der[ECDSA_DER_MAX];
    size_t size = signature_to_der(parts, der);
    enum jwt_status status = JWT_FORGED;

    if (size == 0)
        status = JWT_MALFORMED;
    else if (ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
             EVP_DigestVerify(ctx, der, size, (const uint8_t *)parts->header,
                              parts->signed_length) == 1)
        status = JWT_OK;
    EVP_MD_CTX_free(ctx);
    return status;
}

enum jwt_status jwt_verify(const char *text, size_t length, jwt_find_key *find, void *context,
                           json_t **claims)
{
    struct parts parts;
    json_t *header;
    EVP_PKEY *key = NULL;
    enum jwt_status status = JWT_MALFORMED;

    *claims = NULL;
    if (length > JWT_MAX || !split(text, length, &parts))
        return JWT_MALFORMED;
    header = load(parts.header, parts.header_length);
    if (header)
        status = find_key(header, find, context, &key);
    if (status == JWT_OK)
        status = check_signature(&parts, key);
    if (status == JWT_OK) {
        *claims = load(parts.claims, parts.claims_length);
        status = *claims ? JWT_OK : JWT_MALFORMED;
    }
    EVP_PKEY_free(key);
    json_decref(header);
    return status;
}
