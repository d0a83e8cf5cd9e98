/* SPDX-License-Identifier: MIT */
#include "lib/jose/jwk.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "lib/jose/strict_json.h"

#define UNCOMPRESSED 0x04 /* SEC 1 section 2.3.3 */

static const struct {
    const char *type, *curve, *algorithm, *first, *second;
    size_t size; /* of a coordinate */
} kinds[] = {
    [JWK_P256] = {"EC", "P-256", "ECDH-ES+A256KW", "x", "y", JWK_P256_SIZE},
    [JWK_P521] = {"EC", "P-521", "ECDH-ES+A256KW", "x", "y", P521_COORDINATE_SIZE},
    [JWK_RSA] = {"RSA", NULL, "RSA-OAEP-256", "n", "e", 0},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static bool is_of_kind(const json_t *json, size_t kind)
{
    return strict_json_is(json_object_get(json, "kty"), kinds[kind].type) &&
           (!kinds[kind].curve ||
            strict_json_is(json_object_get(json, "crv"), kinds[kind].curve)) &&
           strict_json_is(json_object_get(json, "alg"), kinds[kind].algorithm);
}

/* Which of two keys a secret would go to must not be open. */
static bool is_mixed(const json_t *json)
{
    return (json_object_get(json, "x") || json_object_get(json, "y") ||
            json_object_get(json, "crv")) &&
           (json_object_get(json, "n") || json_object_get(json, "e"));
}

static bool decode(const json_t *json, struct jwk *key)
{
    size_t size = kinds[key->kind].size;

    return strict_json_decode(BASE64_URL, json_object_get(json, kinds[key->kind].first), key->first,
                              sizeof(key->first), &key->first_size) &&
           strict_json_decode(BASE64_URL, json_object_get(json, kinds[key->kind].second),
                              key->second, sizeof(key->second), &key->second_size) &&
           (size == 0 || (key->first_size == size && key->second_size == size));
}

static enum jwk_status check_rsa(const struct jwk *key)
{
    uint64_t exponent = 0;

    if (key->second_size == 0 || key->second_size > JWK_EXPONENT_MAX || key->first_size == 0 ||
        key->first[0] == 0)
        return JWK_MALFORMED;
    for (size_t i = 0; i < key->second_size; i++)
        exponent = exponent << 8 | key->second[i];
    if (key->first_size < JWK_MODULUS_MIN ||
        (key->first_size == JWK_MODULUS_MIN && !(key->first[0] & 0x80)) ||
        exponent < JWK_EXPONENT_MIN)
        return JWK_WEAK;
    return exponent % 2 == 1 && key->first[key->first_size - 1] % 2 == 1 ? JWK_OK : JWK_INVALID;
}

enum jwk_status jwk_parse(const json_t *json, struct jwk *key)
{
    size_t kind = 0;

    *key = (struct jwk){0};
    if (!json_is_object(json))
        return JWK_MALFORMED;
    if (is_mixed(json))
        return JWK_MIXED;
    while (kind < KINDS && !is_of_kind(json, kind))
        kind++;
    if (kind == KINDS)
        return JWK_UNSUPPORTED;
    key->kind = (enum jwk_kind)kind;
    if (!decode(json, key))
        return JWK_MALFORMED;
    return key->kind == JWK_RSA ? check_rsa(key) : JWK_OK;
}

const char *jwk_algorithm(const struct jwk *key)
{
    return kinds[key->kind].algorithm;
}

json_t *jwk_to_json(const struct jwk *key)
{
    return json_pack("{s:s, s:s, s:s*, s:o, s:o}", "alg", kinds[key->kind].algorithm, "kty",
                     kinds[key->kind].type, "crv", kinds[key->kind].curve, kinds[key->kind].first,
                     strict_json_encode(BASE64_URL, key->first, key->first_size),
                     kinds[key->kind].second,
                     strict_json_encode(BASE64_URL, key->second, key->second_size));
}

static EVP_PKEY *import(const char *type, OSSL_PARAM_BLD *builder)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (!params || !context || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    return key;
}

static EVP_PKEY *rsa_key(const struct jwk *key)
{
    BIGNUM *n = BN_bin2bn(key->first, (int)key->first_size, NULL);
    BIGNUM *e = BN_bin2bn(key->second, (int)key->second_size, NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY *imported = NULL;

    if (n && e && builder && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e))
        imported = import("RSA", builder);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    return imported;
}

/* OpenSSL checks that a point it imports is on the curve; and P-256 has no points outside its large
 * group, so that it needs no check of its order. */
static EVP_PKEY *p256_key(const struct jwk *key)
{
    uint8_t point[1 + 2 * JWK_P256_SIZE] = {UNCOMPRESSED};
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY *imported = NULL;

    memcpy(point + 1, key->first, JWK_P256_SIZE);
    memcpy(point + 1 + JWK_P256_SIZE, key->second, JWK_P256_SIZE);
    if (builder &&
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)))
        imported = import("EC", builder);
    OSSL_PARAM_BLD_free(builder);
    return imported;
}

EVP_PKEY *jwk_to_key(const struct jwk *key)
{
    struct p521_point point;

    switch (key->kind) {
    case JWK_RSA:
        return rsa_key(key);
    case JWK_P256:
        return p256_key(key);
    case JWK_P521:
        break;
    }
    point = jwk_p521_point(key);
    return p521_from_point(&point);
}

bool jwk_is_key(const struct jwk *key)
{
    EVP_PKEY *imported = jwk_to_key(key);

    EVP_PKEY_free(imported);
    return imported != NULL;
}

json_t *jwk_of_ec_key(const EVP_PKEY *key)
{
    uint8_t point[1 + 2 * P521_COORDINATE_SIZE];
    size_t size = 0;

    if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point,
                                        sizeof(point), &size) != 1 ||
        point[0] != UNCOMPRESSED)
        return NULL;
    for (size_t kind = JWK_P256; kind <= JWK_P521; kind++)
        if (size == 1 + 2 * kinds[kind].size)
            return json_pack(
                "{s:s, s:s, s:o, s:o}", "crv", kinds[kind].curve, "kty", kinds[kind].type, "x",
                strict_json_encode(BASE64_URL, point + 1, kinds[kind].size), "y",
                strict_json_encode(BASE64_URL, point + 1 + kinds[kind].size, kinds[kind].size));
    return NULL;
}

struct p521_point jwk_p521_point(const struct jwk *key)
{
    struct p521_point point;

    memcpy(point.x, key->first, sizeof(point.x));
    memcpy(point.y, key->second, sizeof(point.y));
    return point;
}
