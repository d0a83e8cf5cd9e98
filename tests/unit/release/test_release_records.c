/* SPDX-License-Identifier: MIT */
/* What of requests, records and adverts is refused. */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "lib/base/writer.h"
#include "lib/release/tlv.h"
#include "tests/unit/kbs/hex.h"
#include "tests/unit/registered.h"
#include "tests/unit/release/keys.h"
#include "tests/unit/release/tv3.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char DOMAIN[] = "SVSM-KBS-RELEASE-V1";

/* Requests, without the tag and the size in front. */
struct body {
    const char *what, *hex;
    bool good;
};

#define OP                                                                                         \
    "0001"                                                                                         \
    "0001"                                                                                         \
    "01"
#define VOLUME                                                                                     \
    "0002"                                                                                         \
    "0010"                                                                                         \
    "00112233445566778899aabbccddeeff"
#define KID                                                                                        \
    "0020"                                                                                         \
    "0010"                                                                                         \
    "99b065ff9cbf535531c3a89656ee8a18"

#define BYTES_16 "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
#define EPOCH    "000400080000000000000008"
#define LEASE    "00050010" BYTES_16
#define FROM     "000700380000000000000029" BYTES_16 BYTES_16 BYTES_16
#define TO       "00080038000000000000002a" BYTES_16 BYTES_16 BYTES_16
#define SEQUENCE "002100080000000000000003"

static const struct body REQUESTS[] = {
    {"the operation alone", OP, true},
    {"operation and volume", OP VOLUME, true},
    {"operation and key", OP KID, true},
    {"all", OP VOLUME KID, true},
    {"PROBE", "0001000100", true},
    {"an unknown type below 0x8000",
     OP VOLUME "0003000102"
               "7fff0000",
     true},
    {"an unknown type from 0x8000 on", OP "80000000", false},
    {"the last of types", OP "ffff0000", false},
    {"nothing", "", false},
    {"no operation", VOLUME, false},
    {"an operation of a later version", "0001000107" EPOCH LEASE SEQUENCE, false},
    {"ACQUIRE of a lease", OP SEQUENCE, true},
    {"ACQUIRE under a lease", OP EPOCH LEASE SEQUENCE, false},
    {"PROBE with a sequence number", "0001000100" SEQUENCE, false},
    {"CONFIRM", "0001000102" EPOCH LEASE TO SEQUENCE, true},
    {"CONFIRM of what follows a state", "0001000102" EPOCH LEASE FROM TO SEQUENCE, true},
    {"CONFIRM without a state", "0001000102" EPOCH LEASE SEQUENCE, false},
    {"CONFIRM without a lease", "0001000102" EPOCH TO SEQUENCE, false},
    {"ANCHOR", "0001000103" EPOCH LEASE FROM TO SEQUENCE, true},
    {"ANCHOR of what follows nothing", "0001000103" EPOCH LEASE TO SEQUENCE, false},
    {"ANCHOR without a sequence number", "0001000103" EPOCH LEASE FROM TO, false},
    {"RENEW", "0001000104" EPOCH LEASE SEQUENCE, true},
    {"RENEW with a state", "0001000104" EPOCH LEASE TO SEQUENCE, false},
    {"RENEW without an epoch", "0001000104" LEASE SEQUENCE, false},
    {"RELEASE", "0001000105" EPOCH LEASE FROM SEQUENCE, true},
    {"RELEASE with a last state", "0001000105" EPOCH LEASE FROM TO SEQUENCE, true},
    {"RELEASE of no state", "0001000105" EPOCH LEASE SEQUENCE, false},
    {"COMPLAIN about a state", "0001000106" EPOCH LEASE TO SEQUENCE, true},
    {"COMPLAIN about a blank disk", "0001000106" EPOCH LEASE SEQUENCE, true},
    {"descending types", OP KID VOLUME, false},
    {"the operation behind the volume", VOLUME OP, false},
    {"the operation twice", OP OP, false},
    {"the volume twice", OP VOLUME VOLUME, false},
    {"an unknown type twice",
     OP "00030000"
        "00030000",
     false},
    {"an operation of two bytes", "000100020100", false},
    {"an operation of no byte", "00010000", false},
    {"a volume of 15 bytes", OP "0002000f00112233445566778899aabbccddee", false},
    {"a volume of 17 bytes", OP "0002001100112233445566778899aabbccddeeff00", false},
    {"a value beyond the end", OP "0002001000112233445566778899aabbccddee", false},
    {"a type without a length", OP "0002", false},
    {"half a type", OP "00", false},
};

/* tag || size || body, the size off by error. Returns the size of it all. */
static size_t frame(const char *tag, const uint8_t *body, size_t size, int error, uint8_t *out)
{
    memcpy(out, tag, TLV_TAG_SIZE);
    put_be16(out + TLV_TAG_SIZE, (uint16_t)((int)size + error));
    memcpy(out + TLV_HEADER_SIZE, body, size);
    return TLV_HEADER_SIZE + size;
}

/* In memory of its own size, so that a sanitizer sees a read behind it. */
static bool parses(const uint8_t *bytes, size_t size)
{
    struct release_request request;
    uint8_t *copy = malloc(size + (size == 0));
    bool parsed;

    memcpy(copy, bytes, size);
    parsed = release_request_parse(copy, size, &request);
    free(copy);
    return parsed;
}

TEST(a_request_is_parsed_strictly)
{
    for (size_t i = 0; i < COUNT(REQUESTS); i++) {
        size_t body_size = strlen(REQUESTS[i].hex) / 2;
        uint8_t body[256] = {0}, bytes[256];
        size_t size;

        if (body_size > 0)
            bytes_of_hex(REQUESTS[i].hex, body, body_size);
        size = frame("SVXQ", body, body_size, 0, bytes);
        if (parses(bytes, size) != REQUESTS[i].good)
            fail_msg("a request with %s", REQUESTS[i].what);
    }
}

TEST(the_frame_of_a_request_fits_exactly)
{
    uint8_t body[5], bytes[32];
    size_t size;

    bytes_of_hex(OP, body, sizeof(body));
    size = frame("SVXQ", body, sizeof(body), 0, bytes);
    assert_true(parses(bytes, size));
    for (size_t shorter = 0; shorter < size; shorter++)
        assert_false(parses(bytes, shorter));
    bytes[size] = 0;
    assert_false(parses(bytes, size + 1));
    assert_false(parses(bytes, frame("SVXQ", body, sizeof(body), 1, bytes)));
    assert_false(parses(bytes, frame("SVXQ", body, sizeof(body), -1, bytes)));
    assert_false(parses(bytes, frame("SVXR", body, sizeof(body), 0, bytes)));
}

TEST(a_request_that_was_refused_leaves_nothing_behind)
{
    uint8_t bytes[64], body[sizeof(OP VOLUME KID) / 2];
    struct release_request request;
    size_t size;

    bytes_of_hex(OP VOLUME KID, body, sizeof(body));
    size = frame("SVXQ", body, sizeof(body) - 1, 0, bytes);
    assert_false(release_request_parse(bytes, size, &request));
    assert_false(request.has_volume || request.has_kid);
}

TEST(an_advert_is_recognized_by_its_magic_and_size)
{
    uint8_t bytes[RELEASE_ADVERT_SIZE];
    struct release_advert advert;

    bytes_of_hex(tv3_advert, bytes, sizeof(bytes));
    for (size_t size = 0; size < sizeof(bytes); size++)
        assert_false(release_advert_parse(bytes, size, &advert));
    for (size_t i = 0; i < 8; i++) {
        bytes[i] ^= 0x20;
        assert_false(release_advert_parse(bytes, sizeof(bytes), &advert));
        bytes[i] ^= 0x20;
    }
    assert_true(release_advert_parse(bytes, sizeof(bytes), &advert));
}

/* Records */

static EVP_PKEY *key;
static struct release_pin pin;

static int make_key(void **state)
{
    (void)state;
    key = tv3_signing_key();
    pin = tv3_pin();
    return !key;
}

static int free_key(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    return 0;
}

static enum release_open_status open_record(const uint8_t *bytes, size_t size)
{
    struct release_record record;
    uint8_t *copy = malloc(size + (size == 0));
    enum release_open_status status;

    memcpy(copy, bytes, size);
    status = release_record_open(&pin, 1, copy, size, &record);
    free(copy);
    return status;
}

/* A body of TLVs, signed rightly: what the KBS's own mistakes would look like. */
static enum release_open_status open_signed(const char *tag, const uint8_t *tlvs, size_t size,
                                            int error)
{
    uint8_t bytes[4096];
    size_t body = frame(tag, tlvs, size, error, bytes);

    return open_record(bytes, sign_as_record(key, DOMAIN, sizeof(DOMAIN), bytes, body, bytes));
}

/* The TLVs of TV3's record. Returns their size. */
static size_t tv3_tlvs(uint8_t tlvs[RELEASE_RECORD_MAX])
{
    uint8_t bytes[RELEASE_RECORD_MAX];
    size_t size = tv3_record(bytes) - RELEASE_SIGNATURE_SIZE - TLV_HEADER_SIZE;

    memcpy(tlvs, bytes + TLV_HEADER_SIZE, size);
    return size;
}

/* Where the TLV of a type starts. */
static size_t find(const uint8_t *tlvs, size_t size, uint16_t type)
{
    size_t at = 0;

    while (at < size && get_be16(tlvs + at) != type)
        at += 4u + get_be16(tlvs + at + 2);
    assert_true(at < size);
    return at;
}

static size_t size_at(const uint8_t *tlvs, size_t at)
{
    return 4u + get_be16(tlvs + at + 2);
}

TEST_FIXTURE(a_record_lacks_none_of_what_the_svsm_compares, make_key, free_key)
{
    static const uint16_t mandatory[] = {TLV_OP, TLV_STATUS, TLV_RANDOM, TLV_REPORT_DIGEST,
                                         TLV_KEY_DIGEST};

    for (size_t i = 0; i < COUNT(mandatory); i++) {
        uint8_t tlvs[RELEASE_RECORD_MAX];
        size_t size = tv3_tlvs(tlvs);
        size_t at = find(tlvs, size, mandatory[i]), gone = size_at(tlvs, at);

        memmove(tlvs + at, tlvs + at + gone, size - at - gone);
        assert_int_equal(open_signed("SVXR", tlvs, size - gone, 0), RELEASE_OPEN_MALFORMED);
    }
}

TEST_FIXTURE(the_fields_of_a_record_stand_in_order, make_key, free_key)
{
    uint8_t tlvs[RELEASE_RECORD_MAX], swapped[RELEASE_RECORD_MAX];
    size_t size = tv3_tlvs(tlvs), next;

    for (size_t at = 0; (next = at + size_at(tlvs, at)) < size; at = next) {
        size_t first = size_at(tlvs, at), second = size_at(tlvs, next);

        memcpy(swapped, tlvs, size);
        memcpy(swapped + at, tlvs + next, second);
        memcpy(swapped + at + second, tlvs + at, first);
        assert_int_equal(open_signed("SVXR", swapped, size, 0), RELEASE_OPEN_MALFORMED);
    }
}

TEST_FIXTURE(a_field_comes_once, make_key, free_key)
{
    uint8_t tlvs[RELEASE_RECORD_MAX], twice[RELEASE_RECORD_MAX];
    size_t size = tv3_tlvs(tlvs);

    for (size_t at = 0; at < size; at += size_at(tlvs, at)) {
        size_t end = at + size_at(tlvs, at);

        memcpy(twice, tlvs, end);
        memcpy(twice + end, tlvs + at, size - at);
        assert_int_equal(open_signed("SVXR", twice, size + end - at, 0), RELEASE_OPEN_MALFORMED);
    }
}

TEST_FIXTURE(each_field_has_its_size, make_key, free_key)
{
    uint8_t tlvs[RELEASE_RECORD_MAX], longer[RELEASE_RECORD_MAX];
    size_t size = tv3_tlvs(tlvs);

    for (size_t at = 0; at < size; at += size_at(tlvs, at)) {
        size_t end = at + size_at(tlvs, at);

        memcpy(longer, tlvs, end);
        longer[end] = 0;
        memcpy(longer + end + 1, tlvs + end, size - end);
        put_be16(longer + at + 2, (uint16_t)(end - at - 4 + 1));
        assert_int_equal(open_signed("SVXR", longer, size + 1, 0), RELEASE_OPEN_MALFORMED);
    }
}

TEST_FIXTURE(an_unknown_field_is_passed_over_unless_it_is_critical, make_key, free_key)
{
    uint8_t tlvs[RELEASE_RECORD_MAX];
    size_t size = tv3_tlvs(tlvs);

    memcpy(tlvs + size, "\x7f\xff\0\x01x", 5);
    assert_int_equal(open_signed("SVXR", tlvs, size + 5, 0), RELEASE_OPEN_OK);
    memcpy(tlvs + size, "\x80\x00\0\x01x", 5);
    assert_int_equal(open_signed("SVXR", tlvs, size + 5, 0), RELEASE_OPEN_MALFORMED);
}

TEST_FIXTURE(the_frame_of_a_record_fits_exactly, make_key, free_key)
{
    uint8_t tlvs[2048] = {0};
    size_t size = tv3_tlvs(tlvs);

    assert_int_equal(open_signed("SVXR", tlvs, size, 0), RELEASE_OPEN_OK);
    assert_int_equal(open_signed("SVXR", tlvs, size, 1), RELEASE_OPEN_MALFORMED);
    assert_int_equal(open_signed("SVXR", tlvs, size, -1), RELEASE_OPEN_MALFORMED);
    assert_int_equal(open_signed("SVXQ", tlvs, size, 0), RELEASE_OPEN_MALFORMED);
    /* An ignored field fills it to the limit, and one byte beyond. */
    put_be16(tlvs + size, 0x7000);
    for (size_t total = RELEASE_RECORD_MAX; total <= RELEASE_RECORD_MAX + 1; total++) {
        size_t fill = total - RELEASE_SIGNATURE_SIZE - TLV_HEADER_SIZE - size - 4;

        put_be16(tlvs + size + 2, (uint16_t)fill);
        assert_int_equal(open_signed("SVXR", tlvs, size + 4 + fill, 0),
                         total == RELEASE_RECORD_MAX ? RELEASE_OPEN_OK : RELEASE_OPEN_MALFORMED);
    }
}

TEST_FIXTURE(a_record_with_any_bit_flipped_or_byte_cut_is_refused, make_key, free_key)
{
    uint8_t bytes[RELEASE_RECORD_MAX];
    size_t size = tv3_record(bytes);

    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(open_record(bytes, size), RELEASE_OPEN_OK);
        bytes[i] ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(open_record(bytes, i), RELEASE_OPEN_OK);
    }
    assert_int_equal(open_record(bytes, size), RELEASE_OPEN_OK);
}

TEST_FIXTURE(signatures_out_of_range_are_refused, make_key, free_key)
{
    uint8_t bytes[RELEASE_RECORD_MAX];
    size_t size = tv3_record(bytes);

    memset(bytes + size - 96, 0, 96);
    assert_int_equal(open_record(bytes, size), RELEASE_OPEN_UNTRUSTED);
    memset(bytes + size - 96, 0xFF, 96);
    assert_int_equal(open_record(bytes, size), RELEASE_OPEN_UNTRUSTED);
}

TEST_FIXTURE(a_signature_made_for_another_purpose_is_refused, make_key, free_key)
{
    uint8_t tlvs[RELEASE_RECORD_MAX], bytes[RELEASE_RECORD_MAX];
    size_t size = tv3_tlvs(tlvs), body = frame("SVXR", tlvs, size, 0, bytes);

    assert_int_equal(open_record(bytes, sign_as_record(key, "", 0, bytes, body, bytes)),
                     RELEASE_OPEN_UNTRUSTED);
    assert_int_equal(
        open_record(bytes, sign_as_record(key, DOMAIN, sizeof(DOMAIN) - 1, bytes, body, bytes)),
        RELEASE_OPEN_UNTRUSTED);
}

TEST_FIXTURE(a_record_is_refused_unless_a_pin_verifies_it, make_key, free_key)
{
    EVP_PKEY *other = EVP_EC_gen("P-384");
    struct release_pin pins[3];
    uint8_t bytes[RELEASE_RECORD_MAX];
    size_t size = tv3_record(bytes);
    struct release_record record;

    assert_true(release_pin_of(other, &pins[0]));
    pins[1] = pin;
    memset(pins[1].point + 48, 0, 48); /* not on the curve */
    pins[2] = pin;
    assert_int_equal(release_record_open(pins, 0, bytes, size, &record), RELEASE_OPEN_UNTRUSTED);
    assert_int_equal(release_record_open(pins, 2, bytes, size, &record), RELEASE_OPEN_UNTRUSTED);
    assert_int_equal(release_record_open(pins, 3, bytes, size, &record), RELEASE_OPEN_OK);
    EVP_PKEY_free(other);
}

TEST_FIXTURE(every_field_comes_back_as_it_was_signed, make_key, free_key)
{
    struct release_record sent = {.op = RELEASE_OP_PROBE,
                                  .status = RELEASE_STATUS_BUSY,
                                  .has_flags = true,
                                  .flags = 0x01020304,
                                  .has_retry_after = true,
                                  .retry_after = UINT32_MAX,
                                  .has_generation = true,
                                  .generation = UINT64_MAX - 1},
                          got;
    uint8_t bytes[RELEASE_RECORD_MAX];
    size_t size;

    assert_true(release_record_sign(key, &sent, bytes, &size));
    assert_int_equal(release_record_open(&pin, 1, bytes, size, &got), RELEASE_OPEN_OK);
    assert_int_equal(got.op, sent.op);
    assert_int_equal(got.status, sent.status);
    assert_true(got.has_flags && got.has_retry_after && got.has_generation);
    assert_false(got.has_volume || got.has_epoch || got.has_lease || got.has_ttl ||
                 got.has_committed || got.has_cek_commit || got.has_key_version);
    assert_int_equal(got.flags, sent.flags);
    assert_int_equal(got.retry_after, sent.retry_after);
    assert_true(got.generation == sent.generation);
}

TEST(only_p384_keys_are_pinned_and_sign)
{
    EVP_PKEY *others[] = {EVP_EC_gen("P-256"), EVP_EC_gen("P-521"), EVP_RSA_gen(2048),
                          EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
    struct release_record record = {0};
    uint8_t bytes[RELEASE_RECORD_MAX];
    struct release_pin ignored;
    size_t size;

    for (size_t i = 0; i < COUNT(others); i++) {
        assert_non_null(others[i]);
        assert_false(release_pin_of(others[i], &ignored));
        assert_false(release_record_sign(others[i], &record, bytes, &size));
        EVP_PKEY_free(others[i]);
    }
    assert_false(release_pin_of(NULL, &ignored));
}
