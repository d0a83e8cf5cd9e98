/* SPDX-License-Identifier: MIT */
/* The record in the protected header: one spelling, one place, bounded. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/jose/base64.h"
#include "tests/unit/kbs/vectors.h"
#include "tests/unit/registered.h"
#include "tests/unit/release/keys.h"
#include "tests/unit/release/tv3.h"

#include <string.h>

/* A release to a fresh key, with a record or (NULL) without. */
static struct jwe encrypt(const char *release)
{
    EVP_PKEY *own = p521_generate();
    struct p521_point to;
    struct jwe_fresh fresh;
    struct jwe jwe;

    assert_true(p521_point_of(own, &to) && jwe_fresh_make(&fresh));
    assert_int_equal(jwe_encrypt_with(&fresh, &to, release, "secret", 6, &jwe), JWE_OK);
    jwe_fresh_wipe(&fresh);
    EVP_PKEY_free(own);
    return jwe;
}

/* The header as text. */
static void header_of(const struct jwe *jwe, char header[JWE_PROTECTED_MAX])
{
    size_t size;

    assert_true(base64_decode(BASE64_URL, jwe->protected, strlen(jwe->protected), header,
                              JWE_PROTECTED_MAX - 1, &size));
    header[size] = '\0';
}

/* The same header up to "epk", then other text. */
static struct jwe with_rest(const char *rest)
{
    struct jwe jwe = encrypt(NULL);
    char header[JWE_PROTECTED_MAX];

    header_of(&jwe, header);
    strcpy(header + strlen(header) - 1, rest);
    base64_encode(BASE64_URL, header, strlen(header), jwe.protected);
    return jwe;
}

enum found {
    NONE,
    RECORD,
    REFUSED,
};

static enum found look(const struct jwe *jwe)
{
    uint8_t record[RELEASE_RECORD_MAX];
    size_t size = 77;

    if (!jwe_release_member(jwe, record, sizeof(record), &size))
        return REFUSED;
    return size == 0 ? NONE : RECORD;
}

TEST(a_header_without_a_record_has_none)
{
    struct jwe jwe = encrypt(NULL);

    assert_true(jwe_header_is_canonical(&jwe));
    assert_int_equal(look(&jwe), NONE);
}

TEST(only_a_record_right_behind_epk_and_at_the_end_is_found)
{
    static const struct {
        const char *rest;
        enum found found;
    } cases[] = {
        {"}", NONE},
        {",\"svsm-rel\":\"AAAA\"}", RECORD},
        {",\"kid\":\"k\",\"svsm-rel\":\"AAAA\"}", NONE},
        {",\"svsm-re\":\"AAAA\"}", NONE},
        {", \"svsm-rel\":\"AAAA\"}", NONE},
        {",\"svsm-rel\": \"AAAA\"}", NONE},
        {",\"svsm-rel\":\"AAAA\",\"svsm-rel\":\"BBBB\"}", REFUSED},
        {",\"svsm-rel\":\"AAAA\",\"z\":\"\"}", REFUSED},
        {",\"svsm-rel\":\"AAAA\"} ", REFUSED},
        {",\"svsm-rel\":\"AAAA\"", REFUSED},
        {",\"svsm-rel\":\"AAAA}", REFUSED},
        {",\"svsm-rel\":\"", REFUSED},
        {",\"svsm-rel\":\"\"}", REFUSED},
        {",\"svsm-rel\":\"AA==\"}", REFUSED},
        {",\"svsm-rel\":\"AB\"}", REFUSED}, /* bits behind the last byte */
        {",\"svsm-rel\":\"AAAAA\"}", REFUSED},
        {",\"svsm-rel\":\"AA+A\"}", REFUSED},
        {",\"svsm-rel\":\"AA\\u0041A\"}", REFUSED},
        {",\"svsm-rel\":\"AA\nA\"}", REFUSED},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct jwe jwe = with_rest(cases[i].rest);

        if (look(&jwe) != cases[i].found)
            fail_msg("%s", cases[i].rest);
    }
}

TEST(a_record_in_a_header_for_another_ephemeral_key_is_refused)
{
    struct jwe jwe = encrypt("AAAA");
    struct jwe other = encrypt(NULL);

    assert_int_equal(look(&jwe), RECORD);
    jwe.epk = other.epk;
    assert_false(jwe_header_is_canonical(&jwe));
    assert_int_equal(look(&jwe), REFUSED);
}

TEST(a_record_larger_than_its_room_is_refused)
{
    struct jwe jwe = encrypt("AAAAAAAA");
    uint8_t record[6];
    size_t size;

    assert_true(jwe_release_member(&jwe, record, 6, &size));
    assert_int_equal(size, 6);
    assert_false(jwe_release_member(&jwe, record, 5, &size));
}

TEST(the_largest_record_fits_in_the_header)
{
    uint8_t record[RELEASE_RECORD_MAX], got[RELEASE_RECORD_MAX];
    char text[BASE64_LENGTH(RELEASE_RECORD_MAX) + 1];
    struct jwe jwe;
    size_t size;

    memset(record, 0xA5, sizeof(record));
    base64_encode(BASE64_URL, record, sizeof(record), text);
    jwe = encrypt(text);
    assert_true(jwe_release_member(&jwe, got, sizeof(got), &size));
    assert_int_equal(size, sizeof(record));
    assert_memory_equal(got, record, sizeof(record));
}

TEST(a_record_text_beyond_the_limit_is_not_encrypted_with)
{
    static char text[JWE_RELEASE_MAX + 2];
    EVP_PKEY *own = p521_generate();
    struct p521_point to;
    struct jwe_fresh fresh;
    struct jwe jwe;

    assert_true(p521_point_of(own, &to) && jwe_fresh_make(&fresh));
    memset(text, 'A', JWE_RELEASE_MAX);
    assert_int_equal(jwe_encrypt_with(&fresh, &to, text, "s", 1, &jwe), JWE_OK);
    text[JWE_RELEASE_MAX] = 'A';
    assert_int_not_equal(jwe_encrypt_with(&fresh, &to, text, "s", 1, &jwe), JWE_OK);
    jwe_fresh_wipe(&fresh);
    EVP_PKEY_free(own);
}

TEST(the_record_is_part_of_what_the_tag_covers)
{
    struct jwe_fresh fresh = tv1_fresh();
    EVP_PKEY *own = tv1_svsm_key();
    struct p521_point to;
    struct jwe jwe, without;
    uint8_t plaintext[8];

    assert_true(p521_point_of(own, &to));
    assert_int_equal(jwe_encrypt_with(&fresh, &to, tv3_svsm_rel, "secret", 6, &jwe), JWE_OK);
    assert_int_equal(jwe_encrypt_with(&fresh, &to, NULL, "secret", 6, &without), JWE_OK);
    assert_int_equal(jwe_decrypt(own, &jwe, plaintext), JWE_OK);
    strcpy(jwe.protected, without.protected);
    assert_int_equal(jwe_decrypt(own, &jwe, plaintext), JWE_TAG_MISMATCH);
    jwe_fresh_wipe(&fresh);
    EVP_PKEY_free(own);
}

TEST(a_content_key_does_not_come_from_a_foreign_reply)
{
    static const uint8_t zeros[JWE_CEK_SIZE];
    struct jwe jwe = encrypt("AAAA");
    EVP_PKEY *own = tv1_svsm_key();
    uint8_t cek[JWE_CEK_SIZE];

    memset(cek, 0xEE, sizeof(cek));
    assert_int_equal(jwe_unwrap(own, &jwe, cek), JWE_UNWRAP_FAILED);
    assert_memory_equal(cek, zeros, sizeof(cek));
    EVP_PKEY_free(own);
}
