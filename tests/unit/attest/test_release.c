/* SPDX-License-Identifier: MIT */
/* An image that pins a KBS's key takes a state key from that KBS alone, and only for itself. */
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "lib/jose/base64.h"
#include "lib/snp/report.h"
#include "services/attest/release_reply.h"
#include "tests/unit/registered.h"

static EVP_PKEY *kbs_key, *other_kbs_key;
static struct release_terms terms;
static struct release_context context;
static uint8_t report[REPORT_SIZE], volume[RELEASE_VOLUME_ID_SIZE] = {1, 2, 3};
static uint8_t state_key[STATE_KEY_SIZE], key[STATE_KEY_SIZE];

static struct challenge advertised(const EVP_PKEY *signer, uint8_t capabilities)
{
    struct challenge challenge = {.size = RELEASE_ADVERT_SIZE};
    struct release_advert advert = {.capabilities = capabilities};
    struct release_pin pin;

    assert_true(release_pin_of(signer, &pin));
    memcpy(advert.kid, pin.kid, sizeof(advert.kid));
    assert_int_equal(RAND_bytes(advert.random, sizeof(advert.random)), 1);
    release_advert_write(&advert, challenge.bytes);
    return challenge;
}

static enum attest_error apply(struct challenge *challenge)
{
    return release_terms_apply(&terms, challenge, &context.advert, &context.request);
}

static int start(void **state)
{
    struct challenge challenge;

    (void)state;
    kbs_key = EVP_EC_gen("P-384");
    other_kbs_key = EVP_EC_gen("P-384");
    terms = (struct release_terms){.pin_count = 1, .has_volume = true};
    memcpy(terms.volume, volume, sizeof(volume));
    assert_true(release_pin_of(kbs_key, &terms.pins[0]));
    context = (struct release_context){.terms = &terms,
                                       .request = {.op = RELEASE_OP_ACQUIRE},
                                       .report = report,
                                       .own = p521_generate()};
    assert_true(p521_point_of(context.own, &context.own_point));
    assert_int_equal(RAND_bytes(report, sizeof(report)), 1);
    assert_int_equal(RAND_bytes(state_key, sizeof(state_key)), 1);
    challenge = advertised(kbs_key, RELEASE_CAP_SIGNED);
    assert_int_equal(apply(&challenge), ATTEST_OK);
    memset(key, 0xEE, sizeof(key));
    return 0;
}

static int end(void **state)
{
    (void)state;
    EVP_PKEY_free(kbs_key);
    EVP_PKEY_free(other_kbs_key);
    EVP_PKEY_free(context.own);
    return 0;
}

/* The record of a KBS that does everything right. */
static struct release_record right_record(const struct jwe_fresh *fresh)
{
    struct release_record record = {.op = RELEASE_OP_ACQUIRE,
                                    .status = RELEASE_STATUS_OK,
                                    .has_volume = true,
                                    .has_cek_commit = true};

    memcpy(record.volume, volume, sizeof(volume));
    memcpy(record.random, context.advert.random, sizeof(record.random));
    assert_non_null(SHA384(report, REPORT_SIGNED_SIZE, record.report_digest));
    assert_non_null(
        SHA384((const uint8_t *)&context.own_point, sizeof(context.own_point), record.key_digest));
    assert_true(release_cek_commit(fresh->cek, record.cek_commit));
    return record;
}

static void reply_with(const struct jwe_fresh *fresh, const struct release_record *record,
                       EVP_PKEY *signer, struct jwe *reply)
{
    char text[BASE64_LENGTH(RELEASE_RECORD_MAX) + 1];
    uint8_t bytes[RELEASE_RECORD_MAX];
    size_t size;

    assert_true(release_record_sign(signer, record, bytes, &size));
    base64_encode(BASE64_URL, bytes, size, text);
    assert_int_equal(
        jwe_encrypt_with(fresh, &context.own_point, text, state_key, sizeof(state_key), reply),
        JWE_OK);
}

/* What the SVSM says of a reply in which one thing is not as it should be. */
static enum attest_error verdict_on(void (*spoil)(struct release_record *record), EVP_PKEY *signer)
{
    struct jwe_fresh fresh;
    struct release_record record;
    struct jwe reply;

    assert_true(jwe_fresh_make(&fresh));
    record = right_record(&fresh);
    if (spoil)
        spoil(&record);
    reply_with(&fresh, &record, signer, &reply);
    jwe_fresh_wipe(&fresh);
    return release_reply_open(&context, &reply, key);
}

static void assert_no_key(void)
{
    for (size_t i = 0; i < sizeof(key); i++)
        assert_int_equal(key[i], 0xEE);
}

TEST_FIXTURE(a_signed_release_gives_the_key, start, end)
{
    assert_int_equal(verdict_on(NULL, kbs_key), ATTEST_OK);
    assert_memory_equal(key, state_key, sizeof(key));
}

TEST_FIXTURE(a_release_by_any_of_the_pinned_keys_is_taken, start, end)
{
    assert_true(release_pin_of(other_kbs_key, &terms.pins[1]));
    terms.pin_count = 2;
    assert_int_equal(verdict_on(NULL, other_kbs_key), ATTEST_OK);
    assert_int_equal(verdict_on(NULL, kbs_key), ATTEST_OK);
}

TEST_FIXTURE(a_release_by_another_key_is_refused, start, end)
{
    assert_int_equal(verdict_on(NULL, other_kbs_key), ATTEST_ERR_RELEASE_UNTRUSTED);
    assert_no_key();
}

TEST_FIXTURE(a_reply_without_a_record_is_refused, start, end)
{
    struct jwe reply;

    assert_int_equal(jwe_encrypt(&context.own_point, state_key, sizeof(state_key), &reply), JWE_OK);
    assert_int_equal(release_reply_open(&context, &reply, key), ATTEST_ERR_RELEASE_MISSING);
    assert_no_key();
}

static void other_op(struct release_record *r)
{
    r->op = RELEASE_OP_PROBE;
}
static void other_volume(struct release_record *r)
{
    r->volume[5] ^= 1;
}
static void no_volume(struct release_record *r)
{
    r->has_volume = false;
}
static void other_challenge(struct release_record *r)
{
    r->random[31] ^= 1;
}
static void other_report(struct release_record *r)
{
    r->report_digest[0] ^= 1;
}
static void other_key(struct release_record *r)
{
    r->key_digest[47] ^= 1;
}
static void other_commitment(struct release_record *r)
{
    r->cek_commit[20] ^= 1;
}
static void no_commitment(struct release_record *r)
{
    r->has_cek_commit = false;
}
static void denied(struct release_record *r)
{
    r->status = RELEASE_STATUS_DENIED;
}
static void unknown_volume(struct release_record *r)
{
    r->status = RELEASE_STATUS_UNKNOWN_VOLUME;
}
static void busy(struct release_record *r)
{
    r->status = RELEASE_STATUS_BUSY;
}
static void unheard_of(struct release_record *r)
{
    r->status = 200;
}

TEST_FIXTURE(a_record_about_anything_else_is_refused, start, end)
{
    static const struct {
        void (*spoil)(struct release_record *record);
        enum attest_error error;
    } cases[] = {
        {other_op, ATTEST_ERR_RELEASE_ECHO},
        {other_volume, ATTEST_ERR_RELEASE_ECHO},
        {no_volume, ATTEST_ERR_RELEASE_ECHO},
        {other_challenge, ATTEST_ERR_RELEASE_ECHO},
        {other_report, ATTEST_ERR_RELEASE_EVIDENCE},
        {other_key, ATTEST_ERR_RELEASE_EVIDENCE},
        {other_commitment, ATTEST_ERR_RELEASE_COMMITMENT},
        {no_commitment, ATTEST_ERR_RELEASE_MALFORMED},
        {denied, ATTEST_ERR_RELEASE_DENIED},
        {unknown_volume, ATTEST_ERR_RELEASE_NO_VOLUME},
        {busy, ATTEST_ERR_RELEASE_BUSY},
        {unheard_of, ATTEST_ERR_RELEASE_NOT_NOW},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(verdict_on(cases[i].spoil, kbs_key), cases[i].error);
        assert_no_key();
    }
}

/* The record of one release does not vouch for the contents of another one. */
TEST_FIXTURE(the_contents_of_another_release_are_refused, start, end)
{
    struct jwe_fresh fresh, evil;
    struct release_record record;
    struct jwe reply;

    assert_true(jwe_fresh_make(&fresh) && jwe_fresh_make(&evil));
    record = right_record(&fresh);
    reply_with(&evil, &record, kbs_key, &reply);
    assert_int_equal(release_reply_open(&context, &reply, key), ATTEST_ERR_RELEASE_COMMITMENT);
    reply_with(&fresh, &record, kbs_key, &reply);
    reply.ciphertext[0] ^= 1;
    assert_int_equal(release_reply_open(&context, &reply, key), ATTEST_ERR_DECRYPT);
    assert_no_key();
    jwe_fresh_wipe(&fresh);
    jwe_fresh_wipe(&evil);
}

TEST_FIXTURE(a_record_of_an_earlier_boot_is_refused, start, end)
{
    struct jwe_fresh fresh;
    struct release_record record;
    struct jwe reply;

    assert_true(jwe_fresh_make(&fresh));
    record = right_record(&fresh);
    reply_with(&fresh, &record, kbs_key, &reply);
    jwe_fresh_wipe(&fresh);
    assert_int_equal(RAND_bytes(context.advert.random, sizeof(context.advert.random)), 1);
    assert_int_equal(release_reply_open(&context, &reply, key), ATTEST_ERR_RELEASE_ECHO);
}

TEST_FIXTURE(a_challenge_that_promises_no_signature_stops_before_a_report, start, end)
{
    struct challenge plain = {.size = 32}, incapable = advertised(kbs_key, 0),
                     longer = advertised(kbs_key, RELEASE_CAP_SIGNED),
                     shorter = advertised(kbs_key, RELEASE_CAP_SIGNED),
                     foreign = advertised(kbs_key, RELEASE_CAP_SIGNED);

    longer.size++;
    shorter.size--;
    foreign.bytes[0] ^= 1;
    assert_int_equal(apply(&plain), ATTEST_ERR_UNSIGNED);
    assert_int_equal(apply(&incapable), ATTEST_ERR_UNSIGNED);
    assert_int_equal(apply(&longer), ATTEST_ERR_UNSIGNED);
    assert_int_equal(apply(&shorter), ATTEST_ERR_UNSIGNED);
    assert_int_equal(apply(&foreign), ATTEST_ERR_UNSIGNED);
}

TEST_FIXTURE(the_request_follows_the_advert_and_names_volume_and_key, start, end)
{
    struct challenge challenge = advertised(other_kbs_key, RELEASE_CAP_SIGNED);
    struct challenge advert = challenge;
    struct release_request request;

    assert_int_equal(apply(&challenge), ATTEST_OK);
    assert_memory_equal(challenge.bytes, advert.bytes, advert.size);
    assert_true(release_request_parse(challenge.bytes + RELEASE_ADVERT_SIZE,
                                      challenge.size - RELEASE_ADVERT_SIZE, &request));
    assert_int_equal(request.op, RELEASE_OP_ACQUIRE);
    assert_true(request.has_volume && request.has_kid);
    assert_memory_equal(request.volume, volume, sizeof(volume));
    assert_memory_equal(request.kid, terms.pins[0].kid, sizeof(request.kid));

    challenge = advertised(kbs_key, RELEASE_CAP_SIGNED);
    terms.has_volume = false;
    assert_int_equal(apply(&challenge), ATTEST_OK);
    assert_true(release_request_parse(challenge.bytes + RELEASE_ADVERT_SIZE,
                                      challenge.size - RELEASE_ADVERT_SIZE, &request));
    assert_false(request.has_volume || request.has_kid);
}

TEST_FIXTURE(terms_that_contradict_themselves_are_refused, start, end)
{
    struct release_terms out;
    struct boot_kbs kbs = {.flags = BOOT_KBS_REQUIRE_SIGNED, .pin_count = 1};

    assert_true(release_terms_of(&kbs, &out));
    kbs.flags = 0;
    assert_false(release_terms_of(&kbs, &out));
    kbs.pin_count = 0;
    assert_true(release_terms_of(&kbs, &out));
    kbs.volume_id[3] = 1;
    assert_false(release_terms_of(&kbs, &out));
    kbs = (struct boot_kbs){.flags = BOOT_KBS_REQUIRE_SIGNED};
    assert_false(release_terms_of(&kbs, &out));
    kbs.pin_count = BOOT_KBS_PINS_MAX + 1;
    assert_false(release_terms_of(&kbs, &out));
    kbs = (struct boot_kbs){.flags = BOOT_KBS_REQUIRE_SIGNED | 2, .pin_count = 1};
    assert_false(release_terms_of(&kbs, &out));
}
