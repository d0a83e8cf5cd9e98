/* SPDX-License-Identifier: MIT */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/jose/jwk.h"
#include "lib/jose/strict_json.h"
#include "tests/unit/registered.h"

/* RFC 7517 appendix A.1 and A.2, with the algorithms that we want. */
#define P256_X "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
#define P256_Y "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"

static json_t *p256_jwk(void)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "kty", "EC", "crv", "P-256", "alg",
                     "ECDH-ES+A256KW", "x", P256_X, "y", P256_Y);
}

static json_t *rsa_jwk(unsigned bits, unsigned char first_of_modulus, unsigned exponent)
{
    uint8_t modulus[1024], e[4];

    memset(modulus, 0xa5, sizeof(modulus));
    modulus[0] = first_of_modulus;
    put_be32(e, exponent);
    return json_pack("{s:s, s:s, s:o, s:o}", "kty", "RSA", "alg", "RSA-OAEP-256", "n",
                     strict_json_encode(BASE64_URL, modulus, bits / 8), "e",
                     strict_json_encode(BASE64_URL, e + 1, 3));
}

/* Hands over jwk. */
static enum jwk_status status_of(json_t *jwk)
{
    struct jwk key;
    enum jwk_status status = jwk_parse(jwk, &key);

    json_decref(jwk);
    return status;
}

static enum jwk_status status_with(json_t *jwk, const char *name, const char *value)
{
    json_object_set_new(jwk, name, json_string(value));
    return status_of(jwk);
}

static enum jwk_status status_without(json_t *jwk, const char *name)
{
    json_object_del(jwk, name);
    return status_of(jwk);
}

TEST(reads_and_writes_again_what_it_needs_and_no_more)
{
    json_t *jwk = p256_jwk(), *again;
    struct jwk key;
    char *text;

    json_object_set_new(jwk, "kid", json_string("mine"));
    json_object_set_new(jwk, "use", json_string("enc"));
    assert_int_equal(jwk_parse(jwk, &key), JWK_OK);
    again = jwk_to_json(&key);
    text = json_dumps(again, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, "{\"alg\":\"ECDH-ES+A256KW\",\"crv\":\"P-256\",\"kty\":\"EC\","
                              "\"x\":\"" P256_X "\",\"y\":\"" P256_Y "\"}");
    free(text);
    json_decref(again);
    json_decref(jwk);
}

TEST(an_rsa_key_is_written_in_canonical_order)
{
    json_t *jwk = rsa_jwk(2048, 0xff, 65537), *again;
    struct jwk key;
    char *text;

    assert_int_equal(jwk_parse(jwk, &key), JWK_OK);
    again = jwk_to_json(&key);
    text = json_dumps(again, JSON_COMPACT | JSON_SORT_KEYS);
    assert_ptr_equal(
        strstr(text, "{\"alg\":\"RSA-OAEP-256\",\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\""), text);
    free(text);
    json_decref(again);
    json_decref(jwk);
}

TEST(refuses_other_kinds_curves_and_algorithms)
{
    assert_int_equal(status_with(p256_jwk(), "crv", "P-384"), JWK_UNSUPPORTED);
    assert_int_equal(status_with(p256_jwk(), "kty", "OKP"), JWK_UNSUPPORTED);
    assert_int_equal(status_with(p256_jwk(), "alg", "ECDH-ES"), JWK_UNSUPPORTED);
    assert_int_equal(status_without(p256_jwk(), "alg"), JWK_UNSUPPORTED);
    assert_int_equal(status_with(rsa_jwk(2048, 0xff, 65537), "alg", "RSA1_5"), JWK_UNSUPPORTED);
    assert_int_equal(status_with(rsa_jwk(2048, 0xff, 65537), "alg", "RSA-OAEP"), JWK_UNSUPPORTED);
    assert_int_equal(status_of(json_array()), JWK_MALFORMED);
}

TEST(refuses_members_of_two_kinds)
{
    assert_int_equal(status_with(p256_jwk(), "n", "AAAA"), JWK_MIXED);
    assert_int_equal(status_with(rsa_jwk(2048, 0xff, 65537), "crv", "P-256"), JWK_MIXED);
    assert_int_equal(status_with(rsa_jwk(2048, 0xff, 65537), "x", P256_X), JWK_MIXED);
}

TEST(refuses_coordinates_of_another_size_or_spelling)
{
    assert_int_equal(status_with(p256_jwk(), "x", "AAAA"), JWK_MALFORMED);
    assert_int_equal(status_with(p256_jwk(), "x", P256_X "="), JWK_MALFORMED);
    assert_int_equal(status_with(p256_jwk(), "y", ""), JWK_MALFORMED);
    assert_int_equal(status_without(p256_jwk(), "y"), JWK_MALFORMED);
    assert_int_equal(status_with(p256_jwk(), "crv", "P-521"), JWK_MALFORMED);
}

TEST(a_point_off_the_curve_is_no_key)
{
    json_t *jwk = p256_jwk();
    struct jwk key;

    assert_int_equal(jwk_parse(jwk, &key), JWK_OK);
    assert_true(jwk_is_key(&key));
    key.first[31] ^= 1;
    assert_false(jwk_is_key(&key));
    json_decref(jwk);
}

TEST(refuses_weak_rsa_keys)
{
    assert_int_equal(status_of(rsa_jwk(2048, 0xff, 65537)), JWK_OK);
    assert_int_equal(status_of(rsa_jwk(4096, 0x01, 65537)), JWK_OK);
    assert_int_equal(status_of(rsa_jwk(2048, 0x7f, 65537)), JWK_WEAK); /* 2047 bits */
    assert_int_equal(status_of(rsa_jwk(1024, 0xff, 65537)), JWK_WEAK);
    assert_int_equal(status_of(rsa_jwk(2048, 0xff, 3)), JWK_WEAK);
    assert_int_equal(status_of(rsa_jwk(2048, 0xff, 65538)), JWK_INVALID);
    assert_int_equal(status_of(rsa_jwk(2048, 0x00, 65537)), JWK_MALFORMED);
    assert_int_equal(status_of(rsa_jwk(4096 + 8, 0xff, 65537)), JWK_MALFORMED);
}

TEST(our_own_keys_are_written_with_their_point_only)
{
    EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-384"), *rsa = EVP_RSA_gen(1024);
    json_t *jwk = jwk_of_ec_key(key);

    assert_int_equal(json_object_size(jwk), 4);
    assert_string_equal(json_string_value(json_object_get(jwk, "crv")), "P-256");
    assert_null(jwk_of_ec_key(other));
    assert_null(jwk_of_ec_key(rsa));
    json_decref(jwk);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    EVP_PKEY_free(rsa);
}
