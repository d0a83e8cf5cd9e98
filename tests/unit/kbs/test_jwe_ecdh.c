/* SPDX-License-Identifier: MIT */
#include <openssl/evp.h>
#include <stdlib.h>

#include "lib/jose/base64.h"
#include "lib/jose/jwe_ecdh.h"
#include "tests/unit/kbs/hex.h"
#include "tests/unit/kbs/vectors.h"
#include "tests/unit/registered.h"

static void point_of_hex(const char *x, const char *y, struct p521_point *point)
{
    bytes_of_hex(x, point->x, sizeof(point->x));
    bytes_of_hex(y, point->y, sizeof(point->y));
}

static EVP_PKEY *key_of_hex(const char *d, const char *x, const char *y)
{
    struct p521_point point;
    uint8_t scalar[P521_COORDINATE_SIZE];
    EVP_PKEY *key;

    point_of_hex(x, y, &point);
    bytes_of_hex(d, scalar, sizeof(scalar));
    key = p521_from_scalar(&point, scalar);
    assert_non_null(key);
    return key;
}

static size_t plaintext_of(const struct jwe_vector *v, uint8_t plaintext[64])
{
    size_t size = strlen(v->plaintext) / 2;

    bytes_of_hex(v->plaintext, plaintext, size);
    return size;
}

static void assert_hex_equal(const void *bytes, size_t size, const char *hex)
{
    uint8_t expected[128];

    bytes_of_hex(hex, expected, size);
    assert_memory_equal(bytes, expected, size);
}

static void encrypt_vector(const struct jwe_vector *v, struct jwe *out)
{
    struct jwe_fresh fresh = {.ephemeral = key_of_hex(v->epk_d, v->epk_x, v->epk_y)};
    struct p521_point to;
    uint8_t plaintext[64];
    size_t size = plaintext_of(v, plaintext);

    bytes_of_hex(v->cek, fresh.cek, sizeof(fresh.cek));
    bytes_of_hex(v->iv, fresh.iv, sizeof(fresh.iv));
    point_of_hex(v->own_x, v->own_y, &to);
    assert_int_equal(jwe_encrypt_with(&fresh, &to, NULL, plaintext, size, out), JWE_OK);
    EVP_PKEY_free(fresh.ephemeral);
}

static void assert_encrypts_as(const struct jwe_vector *v)
{
    struct jwe jwe;

    encrypt_vector(v, &jwe);
    assert_string_equal(jwe.protected, v->protected);
    assert_hex_equal(jwe.wrapped_cek, sizeof(jwe.wrapped_cek), v->wrapped_cek);
    assert_hex_equal(jwe.ciphertext, jwe.size, v->ciphertext);
    assert_hex_equal(jwe.tag, sizeof(jwe.tag), v->tag);
}

static enum jwe_status decrypt_with_key_of(const struct jwe_vector *v, const struct jwe *jwe,
                                           uint8_t *plaintext)
{
    EVP_PKEY *own = key_of_hex(v->own_d, v->own_x, v->own_y);
    enum jwe_status status = jwe_decrypt(own, jwe, plaintext);

    EVP_PKEY_free(own);
    return status;
}

static void assert_decrypts(const struct jwe_vector *v)
{
    struct jwe jwe;
    uint8_t plaintext[64];

    encrypt_vector(v, &jwe);
    assert_int_equal(decrypt_with_key_of(v, &jwe, plaintext), JWE_OK);
    assert_hex_equal(plaintext, jwe.size, v->plaintext);
}

TEST(encrypts_vectors_bit_for_bit)
{
    assert_encrypts_as(&tv1);
    assert_encrypts_as(&tv2);
}

TEST(decrypts_vectors)
{
    assert_decrypts(&tv1);
    assert_decrypts(&tv2);
}

TEST(fresh_encryption_round_trips_and_differs_each_time)
{
    static const uint8_t secret[JWE_PLAINTEXT_MAX] = {1, 2, 3};
    EVP_PKEY *own = p521_generate();
    struct p521_point to;
    static struct jwe first, second;
    static uint8_t plaintext[JWE_PLAINTEXT_MAX];

    assert_true(p521_point_of(own, &to));
    assert_int_equal(jwe_encrypt(&to, secret, sizeof(secret), &first), JWE_OK);
    assert_int_equal(jwe_encrypt(&to, secret, sizeof(secret), &second), JWE_OK);
    assert_memory_not_equal(first.wrapped_cek, second.wrapped_cek, sizeof(first.wrapped_cek));
    assert_memory_not_equal(first.iv, second.iv, sizeof(first.iv));
    assert_memory_not_equal(&first.epk, &second.epk, sizeof(first.epk));
    assert_int_equal(jwe_decrypt(own, &first, plaintext), JWE_OK);
    assert_memory_equal(plaintext, secret, sizeof(secret));
    EVP_PKEY_free(own);
}

TEST(refuses_any_alteration)
{
    struct jwe good, bad;
    uint8_t plaintext[64];

    encrypt_vector(&tv1, &good);

    bad = good;
    bad.tag[15] ^= 1;
    assert_int_equal(decrypt_with_key_of(&tv1, &bad, plaintext), JWE_TAG_MISMATCH);
    bad = good;
    bad.ciphertext[0] ^= 0x80;
    assert_int_equal(decrypt_with_key_of(&tv1, &bad, plaintext), JWE_TAG_MISMATCH);
    bad = good;
    bad.iv[3] ^= 4;
    assert_int_equal(decrypt_with_key_of(&tv1, &bad, plaintext), JWE_TAG_MISMATCH);
    bad = good;
    bad.wrapped_cek[39] ^= 1;
    assert_int_equal(decrypt_with_key_of(&tv1, &bad, plaintext), JWE_UNWRAP_FAILED);
    assert_int_equal(decrypt_with_key_of(&tv2, &good, plaintext), JWE_UNWRAP_FAILED);
}

TEST(wipes_the_plaintext_of_a_forged_message)
{
    static const uint8_t zeros[64];
    struct jwe jwe;
    uint8_t plaintext[64];

    encrypt_vector(&tv1, &jwe);
    jwe.tag[0] ^= 1;
    memset(plaintext, 0xff, sizeof(plaintext));
    assert_int_equal(decrypt_with_key_of(&tv1, &jwe, plaintext), JWE_TAG_MISMATCH);
    assert_memory_equal(plaintext, zeros, sizeof(zeros));
}

TEST(refuses_sizes_out_of_bounds)
{
    struct p521_point to;
    static const uint8_t secret[JWE_PLAINTEXT_MAX + 1];
    struct jwe jwe;

    point_of_hex(tv1.own_x, tv1.own_y, &to);
    assert_int_equal(jwe_encrypt(&to, secret, 0, &jwe), JWE_BAD_SIZE);
    assert_int_equal(jwe_encrypt(&to, secret, sizeof(secret), &jwe), JWE_BAD_SIZE);
    jwe.size = 0;
    assert_int_equal(decrypt_with_key_of(&tv1, &jwe, NULL), JWE_BAD_SIZE);
    jwe.size = JWE_PLAINTEXT_MAX + 1;
    assert_int_equal(decrypt_with_key_of(&tv1, &jwe, NULL), JWE_BAD_SIZE);
}

TEST(refuses_points_off_the_curve)
{
    struct p521_point point;
    struct jwe jwe;
    static const uint8_t secret[1];

    point_of_hex(tv1.own_x, tv1.own_y, &point);
    point.y[65] ^= 1;
    assert_null(p521_from_point(&point));
    assert_int_equal(jwe_encrypt(&point, secret, sizeof(secret), &jwe), JWE_BAD_POINT);
    point = (struct p521_point){0};
    assert_null(p521_from_point(&point));
    memset(&point, 0xff, sizeof(point)); /* coordinates beyond the field */
    assert_null(p521_from_point(&point));
}

/* Encodes text as the header of a message that is good otherwise, and decrypts it. */
static enum jwe_status decrypt_with_header(const char *text)
{
    struct jwe jwe;
    uint8_t plaintext[64];

    encrypt_vector(&tv2, &jwe);
    base64_encode(BASE64_URL, text, strlen(text), jwe.protected);
    return decrypt_with_key_of(&tv2, &jwe, plaintext);
}

TEST(refuses_any_header_but_the_canonical_one)
{
    char header[JWE_PROTECTED_MAX], other[JWE_PROTECTED_MAX + 16];
    size_t length;

    assert_true(base64_decode(BASE64_URL, tv2.protected, strlen(tv2.protected), header,
                              sizeof(header) - 1, &length));
    header[length] = '\0';

    assert_int_equal(decrypt_with_header(""), JWE_BAD_HEADER);
    assert_int_equal(decrypt_with_header("{}"), JWE_BAD_HEADER);
    snprintf(other, sizeof(other), " %s", header);
    assert_int_equal(decrypt_with_header(other), JWE_BAD_HEADER);
    snprintf(other, sizeof(other), "%s ", header);
    assert_int_equal(decrypt_with_header(other), JWE_BAD_HEADER);
    snprintf(other, sizeof(other), "%s", header);
    other[length - 1] = '\0'; /* the final brace is gone */
    assert_int_equal(decrypt_with_header(other), JWE_BAD_HEADER);
    memcpy(strstr(header, "A256GCM"), "A128GCM", 7);
    assert_int_equal(decrypt_with_header(header), JWE_BAD_HEADER);
}

TEST(refuses_an_ephemeral_key_that_is_not_the_headers)
{
    struct jwe jwe;
    uint8_t plaintext[64];

    encrypt_vector(&tv1, &jwe);
    point_of_hex(tv2.epk_x, tv2.epk_y, &jwe.epk);
    assert_int_equal(decrypt_with_key_of(&tv1, &jwe, plaintext), JWE_BAD_HEADER);
}

TEST(authenticates_further_header_members)
{
    char header[JWE_PROTECTED_MAX];
    size_t length;

    assert_true(base64_decode(BASE64_URL, tv2.protected, strlen(tv2.protected), header,
                              sizeof(header) - 32, &length));
    strcpy(header + length - 1, ",\"svsm-rel\":\"AAAA\"}");
    assert_int_equal(decrypt_with_header(header), JWE_TAG_MISMATCH);
}
