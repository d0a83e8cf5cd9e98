/* SPDX-License-Identifier: MIT */
/* TV3, byte for byte in both directions: advert, request, record, header, release. */
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "lib/base/bytes.h"
#include "tests/unit/kbs/hex.h"
#include "tests/unit/kbs/vectors.h"
#include "tests/unit/registered.h"
#include "tests/unit/release/keys.h"
#include "tests/unit/release/tv3.h"

#define TV3_EPOCH   8
#define TV3_COUNTER 41

static void assert_hex_equal(const void *bytes, size_t size, const char *hex)
{
    uint8_t expected[RELEASE_RECORD_MAX];

    assert_int_equal(strlen(hex), 2 * size);
    bytes_of_hex(hex, expected, size);
    assert_memory_equal(bytes, expected, size);
}

static void set_committed(struct release_record *record)
{
    put_be64(record->committed, TV3_COUNTER);
    bytes_of_hex(tv3_committed_root, record->committed + 8, 48);
}

/* The digest of a report that the vector does not contain: it stands at 0xB0 of the record. */
static void set_report_digest(struct release_record *record)
{
    uint8_t body[sizeof(tv3_record_body) / 2];

    bytes_of_hex(tv3_record_body, body, sizeof(body));
    memcpy(record->report_digest, body + 0xB0, sizeof(record->report_digest));
}

/* What the record of TV3 says. */
static struct release_record tv3_content(void)
{
    struct release_record record = {.op = RELEASE_OP_ACQUIRE,
                                    .status = RELEASE_STATUS_OK,
                                    .has_volume = true,
                                    .has_epoch = true,
                                    .has_lease = true,
                                    .has_ttl = true,
                                    .has_committed = true,
                                    .has_cek_commit = true,
                                    .has_key_version = true,
                                    .has_generation = true,
                                    .epoch = TV3_EPOCH,
                                    .ttl = 60,
                                    .key_version = 1,
                                    .generation = 0};

    bytes_of_hex("00112233445566778899aabbccddeeff", record.volume, sizeof(record.volume));
    memset(record.lease, 0x5A, sizeof(record.lease));
    set_committed(&record);
    for (size_t i = 0; i < sizeof(record.random); i++)
        record.random[i] = (uint8_t)(0xA0 + i);
    set_report_digest(&record);
    bytes_of_hex(tv3_key_digest, record.key_digest, sizeof(record.key_digest));
    bytes_of_hex(tv3_cek_commit, record.cek_commit, sizeof(record.cek_commit));
    return record;
}

TEST(the_advert_is_read_and_written)
{
    uint8_t bytes[RELEASE_ADVERT_SIZE], written[RELEASE_ADVERT_SIZE];
    struct release_advert advert;

    bytes_of_hex(tv3_advert, bytes, sizeof(bytes));
    assert_true(release_advert_parse(bytes, sizeof(bytes), &advert));
    assert_int_equal(advert.minor, 0);
    assert_int_equal(advert.capabilities, 7);
    assert_hex_equal(advert.kid, sizeof(advert.kid), tv3_kid);
    release_advert_write(&advert, written);
    assert_memory_equal(written, bytes, sizeof(bytes));
}

TEST(the_kid_is_that_of_the_signing_key)
{
    uint8_t der[sizeof(tv3_spki) / 2];
    const uint8_t *next = der;
    struct release_pin pin, expected = tv3_pin();
    EVP_PKEY *key;

    bytes_of_hex(tv3_spki, der, sizeof(der));
    key = d2i_PUBKEY(NULL, &next, sizeof(der));
    assert_true(release_pin_of(key, &pin));
    assert_memory_equal(pin.kid, expected.kid, sizeof(pin.kid));
    assert_memory_equal(pin.point, expected.point, sizeof(pin.point));
    EVP_PKEY_free(key);
}

TEST(the_request_is_written_behind_the_advert_and_read)
{
    struct release_request request = {.op = RELEASE_OP_ACQUIRE, .has_volume = true}, read;
    uint8_t advert[RELEASE_ADVERT_SIZE], challenge[RELEASE_CHALLENGE_MAX];
    size_t size;

    bytes_of_hex(tv3_advert, advert, sizeof(advert));
    bytes_of_hex("00112233445566778899aabbccddeeff", request.volume, sizeof(request.volume));
    size = release_request_write(advert, &request, challenge);
    assert_int_equal(size, RELEASE_ADVERT_SIZE + 31);
    assert_hex_equal(challenge, RELEASE_ADVERT_SIZE, tv3_advert);
    assert_hex_equal(challenge + RELEASE_ADVERT_SIZE, 31, tv3_request);
    assert_true(release_request_parse(challenge + RELEASE_ADVERT_SIZE, 31, &read));
    assert_int_equal(read.op, RELEASE_OP_ACQUIRE);
    assert_true(read.has_volume && !read.has_kid);
    assert_memory_equal(read.volume, request.volume, sizeof(read.volume));
}

TEST(report_data_binds_key_advert_and_request)
{
    uint8_t bound[2 * P521_COORDINATE_SIZE + RELEASE_ADVERT_SIZE + 31], digest[64];

    bytes_of_hex(tv1.own_x, bound, P521_COORDINATE_SIZE);
    bytes_of_hex(tv1.own_y, bound + P521_COORDINATE_SIZE, P521_COORDINATE_SIZE);
    bytes_of_hex(tv3_advert, bound + sizeof(bound) - 31 - RELEASE_ADVERT_SIZE, RELEASE_ADVERT_SIZE);
    bytes_of_hex(tv3_request, bound + sizeof(bound) - 31, 31);
    assert_non_null(SHA512(bound, sizeof(bound), digest));
    assert_hex_equal(digest, sizeof(digest), tv3_report_data);
}

TEST(the_record_opens_under_its_key_with_every_field)
{
    struct release_pin pin = tv3_pin();
    struct release_record expected = tv3_content();
    uint8_t bytes[RELEASE_RECORD_MAX];
    size_t size = tv3_record(bytes);
    struct release_record record;

    assert_int_equal(release_record_open(&pin, 1, bytes, size, &record), RELEASE_OPEN_OK);
    assert_int_equal(record.op, expected.op);
    assert_int_equal(record.status, expected.status);
    assert_true(record.has_volume && record.has_epoch && record.has_lease && record.has_ttl);
    assert_true(record.has_committed && record.has_cek_commit && record.has_key_version);
    assert_true(record.has_generation && !record.has_flags && !record.has_retry_after);
    assert_memory_equal(record.volume, expected.volume, sizeof(record.volume));
    assert_int_equal(record.epoch, expected.epoch);
    assert_memory_equal(record.lease, expected.lease, sizeof(record.lease));
    assert_int_equal(record.ttl, expected.ttl);
    assert_memory_equal(record.committed, expected.committed, sizeof(record.committed));
    assert_memory_equal(record.random, expected.random, sizeof(record.random));
    assert_memory_equal(record.report_digest, expected.report_digest, RELEASE_DIGEST_SIZE);
    assert_memory_equal(record.key_digest, expected.key_digest, RELEASE_DIGEST_SIZE);
    assert_memory_equal(record.cek_commit, expected.cek_commit, RELEASE_DIGEST_SIZE);
    assert_int_equal(record.key_version, expected.key_version);
    assert_int_equal(record.generation, expected.generation);
}

TEST(a_record_of_the_same_content_has_the_same_body)
{
    struct release_record content = tv3_content();
    struct release_pin pin = tv3_pin();
    EVP_PKEY *key = tv3_signing_key();
    uint8_t bytes[RELEASE_RECORD_MAX];
    struct release_record record;
    size_t size;

    assert_true(release_record_sign(key, &content, bytes, &size));
    assert_int_equal(size, sizeof(tv3_record_body) / 2 + RELEASE_SIGNATURE_SIZE);
    assert_hex_equal(bytes, size - RELEASE_SIGNATURE_SIZE, tv3_record_body);
    assert_int_equal(release_record_open(&pin, 1, bytes, size, &record), RELEASE_OPEN_OK);
    EVP_PKEY_free(key);
}

TEST(the_svsm_key_has_its_digest)
{
    uint8_t point[2 * P521_COORDINATE_SIZE], digest[RELEASE_DIGEST_SIZE];

    bytes_of_hex(tv1.own_x, point, P521_COORDINATE_SIZE);
    bytes_of_hex(tv1.own_y, point + P521_COORDINATE_SIZE, P521_COORDINATE_SIZE);
    assert_non_null(SHA384(point, sizeof(point), digest));
    assert_hex_equal(digest, sizeof(digest), tv3_key_digest);
}

/* TV3's JWE. */
static void encrypt(struct jwe *jwe)
{
    struct jwe_fresh fresh = tv1_fresh();
    uint8_t plaintext[64];
    struct p521_point to;

    bytes_of_hex(tv1.own_x, to.x, sizeof(to.x));
    bytes_of_hex(tv1.own_y, to.y, sizeof(to.y));
    bytes_of_hex(tv1.plaintext, plaintext, sizeof(plaintext));
    assert_int_equal(jwe_encrypt_with(&fresh, &to, tv3_svsm_rel, plaintext, sizeof(plaintext), jwe),
                     JWE_OK);
    jwe_fresh_wipe(&fresh);
}

TEST(the_release_is_encrypted_bit_for_bit)
{
    uint8_t digest[32];
    struct jwe jwe;

    encrypt(&jwe);
    assert_int_equal(strlen(jwe.protected), 1159);
    assert_non_null(SHA256((const uint8_t *)jwe.protected, strlen(jwe.protected), digest));
    assert_hex_equal(digest, sizeof(digest), tv3_protected_digest);
    assert_hex_equal(jwe.wrapped_cek, sizeof(jwe.wrapped_cek), tv3_wrapped_cek);
    assert_hex_equal(jwe.ciphertext, jwe.size, tv3_ciphertext);
    assert_hex_equal(jwe.tag, sizeof(jwe.tag), tv3_tag);
}

TEST(the_release_opens_step_by_step)
{
    EVP_PKEY *own = tv1_svsm_key();
    uint8_t bytes[RELEASE_RECORD_MAX], cek[JWE_CEK_SIZE], commit[RELEASE_DIGEST_SIZE];
    uint8_t plaintext[64];
    struct jwe jwe;
    size_t size;

    encrypt(&jwe);
    assert_true(jwe_header_is_canonical(&jwe));
    assert_true(jwe_release_member(&jwe, bytes, sizeof(bytes), &size));
    assert_hex_equal(bytes, size - RELEASE_SIGNATURE_SIZE, tv3_record_body);
    assert_hex_equal(bytes + size - 96, 48, tv3_signature_r);
    assert_hex_equal(bytes + size - 48, 48, tv3_signature_s);
    assert_int_equal(jwe_unwrap(own, &jwe, cek), JWE_OK);
    assert_hex_equal(cek, sizeof(cek), tv3_cek);
    assert_true(release_cek_commit(cek, commit));
    assert_hex_equal(commit, sizeof(commit), tv3_cek_commit);
    assert_int_equal(jwe_open(cek, &jwe, plaintext), JWE_OK);
    assert_hex_equal(plaintext, jwe.size, tv1.plaintext);
    EVP_PKEY_free(own);
}
