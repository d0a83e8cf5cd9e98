/* SPDX-License-Identifier: MIT */
/* What jwe_seal makes, opened by other code. */
#include <jose/jwk.h>
#include <stdlib.h>
#include <string.h>

#include "lib/jose/jwe_seal.h"
#include "lib/jose/strict_json.h"
#include "tests/unit/kbs-protocol/libjose_open.h"
#include "tests/unit/registered.h"

/* A key pair of libjose's. */
static json_t *generate(const char *template)
{
    json_t *pair = json_loads(template, 0, NULL);

    assert_true(jose_jwk_gen(NULL, pair));
    return pair;
}

static struct jwk public_of(const json_t *pair, const char *algorithm)
{
    json_t *public = json_deep_copy(pair);
    struct jwk key;

    json_object_set_new(public, "alg", json_string(algorithm));
    assert_int_equal(jwk_parse(public, &key), JWK_OK);
    json_decref(public);
    return key;
}

static void assert_opens(const json_t *pair, const json_t *jwe, const void *secret, size_t size)
{
    size_t opened_size;
    char *opened = libjose_open(pair, jwe, &opened_size);

    assert_non_null(opened);
    assert_int_equal(opened_size, size);
    assert_memory_equal(opened, secret, size);
    free(opened);
}

/* The text of the protected header; the caller frees it. */
static char *header_of(const json_t *jwe)
{
    uint8_t *bytes;
    size_t size;
    char *text;

    assert_true(
        strict_json_decode_new(BASE64_URL, json_object_get(jwe, "protected"), &bytes, &size));
    text = strndup((const char *)bytes, size);
    free(bytes);
    return text;
}

static void assert_seals(const char *template, const char *algorithm, const char *header_start)
{
    static const size_t sizes[] = {1, 64, JWE_SEAL_MAX};
    static uint8_t secret[JWE_SEAL_MAX];
    json_t *pair = generate(template);
    struct jwk to = public_of(pair, algorithm);

    memset(secret, 0x5a, sizeof(secret));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        json_t *jwe = jwe_seal(&to, secret, sizes[i]);
        char *header = header_of(jwe);

        assert_opens(pair, jwe, secret, sizes[i]);
        assert_int_equal(json_object_size(jwe), 5);
        assert_ptr_equal(strstr(header, header_start), header);
        free(header);
        json_decref(jwe);
    }
    json_decref(pair);
}

TEST(seals_to_p256)
{
    assert_seals("{\"kty\":\"EC\",\"crv\":\"P-256\"}", "ECDH-ES+A256KW",
                 "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"epk\":{\"crv\":\"P-256\","
                 "\"kty\":\"EC\",\"x\":\"");
}

TEST(seals_to_p521)
{
    assert_seals("{\"kty\":\"EC\",\"crv\":\"P-521\"}", "ECDH-ES+A256KW",
                 "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"epk\":{\"crv\":\"P-521\","
                 "\"kty\":\"EC\",\"x\":\"");
}

TEST(seals_to_rsa)
{
    assert_seals("{\"kty\":\"RSA\",\"bits\":3072}", "RSA-OAEP-256",
                 "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\"}");
}

TEST(no_two_seals_are_alike)
{
    json_t *pair = generate("{\"kty\":\"EC\",\"crv\":\"P-256\"}");
    struct jwk to = public_of(pair, "ECDH-ES+A256KW");
    json_t *one = jwe_seal(&to, "secret", 6), *two = jwe_seal(&to, "secret", 6);

    for (const char *const *name =
             (const char *const[]){"protected", "encrypted_key", "iv", "ciphertext", "tag", NULL};
         *name; name++)
        assert_string_not_equal(json_string_value(json_object_get(one, *name)),
                                json_string_value(json_object_get(two, *name)));
    json_decref(one);
    json_decref(two);
    json_decref(pair);
}

TEST(seals_neither_nothing_nor_too_much)
{
    json_t *pair = generate("{\"kty\":\"EC\",\"crv\":\"P-256\"}");
    struct jwk to = public_of(pair, "ECDH-ES+A256KW");

    assert_null(jwe_seal(&to, "", 0));
    assert_null(jwe_seal(&to, "", JWE_SEAL_MAX + 1));
    to.second[31] ^= 1; /* no point any more */
    assert_null(jwe_seal(&to, "secret", 6));
    json_decref(pair);
}
