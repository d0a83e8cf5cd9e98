/* SPDX-License-Identifier: MIT */
/* Whole exchanges of an image that pins the KBS's key, and what a host may try in between. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "lib/jose/base64.h"
#include "services/attest/fetch_key.h"
#include "services/attest/report_data.h"
#include "tests/unit/attest/fake_amd_sp.h"
#include "tests/unit/attest/fake_proxy.h"
#include "tests/unit/attest/unsigned.h"
#include "tests/unit/kbs/hex.h"
#include "tests/unit/kbs/vectors.h"
#include "tests/unit/registered.h"
#include "tests/unit/release/tv3.h"

static const uint8_t volume[RELEASE_VOLUME_ID_SIZE] = {0xAB, 0xCD};

static struct fake_amd_sp sp;
static struct guest_requester requester;
static struct fake_proxy proxy;
static int client;
static uint8_t key[STATE_KEY_SIZE];
static EVP_PKEY *kbs_key, *other_key;
static struct release_terms terms;

static void start_proxy(void)
{
    fake_proxy_init(&proxy, &client);
    fake_proxy_advertise(&proxy, kbs_key, 0x11);
}

static void end_proxy(void)
{
    fake_proxy_release(&proxy);
    close(client);
}

static int start(void **state)
{
    (void)state;
    fake_amd_sp_init(&sp);
    guest_requester_init(&requester, fake_amd_sp_interface(&sp), sp.vmpck0);
    kbs_key = EVP_EC_gen("P-384");
    other_key = EVP_EC_gen("P-384");
    terms = (struct release_terms){.pin_count = 1, .has_volume = true};
    memcpy(terms.volume, volume, sizeof(volume));
    start_proxy();
    memset(key, 0xEE, sizeof(key));
    return release_pin_of(kbs_key, &terms.pins[0]) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    end_proxy();
    EVP_PKEY_free(kbs_key);
    EVP_PKEY_free(other_key);
    return 0;
}

static enum attest_error fetch(const struct release_terms *under)
{
    enum attest_error error;

    fake_proxy_start(&proxy);
    error = fetch_key(client, 20000, &requester, under, key);
    shutdown(client, SHUT_WR);
    fake_proxy_join(&proxy);
    return error;
}

static void expect_refusal(enum attest_error wanted)
{
    assert_int_equal(fetch(&terms), wanted);
    for (size_t i = 0; i < sizeof(key); i++)
        assert_int_equal(key[i], 0xEE);
}

static struct release_request request_that_was_sent(void)
{
    uint8_t challenge[CHALLENGE_SIZE_MAX];
    size_t size = fake_proxy_challenge(&proxy, challenge, sizeof(challenge));
    struct release_request request;

    assert_true(size > RELEASE_ADVERT_SIZE);
    assert_true(release_request_parse(challenge + RELEASE_ADVERT_SIZE, size - RELEASE_ADVERT_SIZE,
                                      &request));
    return request;
}

TEST_FIXTURE(a_signed_release_brings_the_key, start, end)
{
    struct release_request request;

    assert_int_equal(fetch(&terms), ATTEST_OK);
    assert_memory_equal(key, proxy.secret, sizeof(key));
    assert_true(fake_proxy_saw_bound_key(&proxy));
    request = request_that_was_sent();
    assert_int_equal(request.op, RELEASE_OP_ACQUIRE);
    assert_true(request.has_volume && !request.has_kid);
    assert_memory_equal(request.volume, volume, sizeof(volume));
}

TEST_FIXTURE(an_image_that_names_no_volume_asks_for_none, start, end)
{
    terms.has_volume = false;
    assert_int_equal(fetch(&terms), ATTEST_OK);
    assert_false(request_that_was_sent().has_volume);
}

/* A KBS that advertises its new key signs with the old one for an image that knows no other. */
TEST_FIXTURE(an_image_with_the_old_key_asks_for_its_signature, start, end)
{
    fake_proxy_advertise(&proxy, other_key, 0x11);
    proxy.signer = kbs_key;
    assert_int_equal(fetch(&terms), ATTEST_OK);
    assert_memory_equal(request_that_was_sent().kid, terms.pins[0].kid, RELEASE_KID_SIZE);
}

TEST_FIXTURE(a_stripped_advert_stops_before_a_report_is_asked_for, start, end)
{
    proxy.negotiation = FAKE_NEGOTIATION;
    expect_refusal(ATTEST_ERR_UNSIGNED);
    assert_int_equal(sp.exchanges, 0);
    assert_null(proxy.attestation_request);
}

TEST_FIXTURE(a_stripped_record_is_missed, start, end)
{
    proxy.strip_record = true;
    expect_refusal(ATTEST_ERR_RELEASE_MISSING);
}

TEST_FIXTURE(a_release_of_the_host_itself_is_not_trusted, start, end)
{
    proxy.signer = other_key;
    expect_refusal(ATTEST_ERR_RELEASE_UNTRUSTED);
}

/* Runs an exchange and gives its reply to the next one, whose advert has this random part. */
static void replay_into_the_next_exchange(uint8_t random)
{
    static char earlier[16384];

    assert_int_equal(fetch(&terms), ATTEST_OK);
    assert_true(strlen(proxy.reply) < sizeof(earlier));
    strcpy(earlier, proxy.reply);
    end_proxy();
    start_proxy();
    fake_proxy_advertise(&proxy, kbs_key, random);
    proxy.attestation = earlier;
    memset(key, 0xEE, sizeof(key));
}

TEST_FIXTURE(a_replayed_release_does_not_answer_the_new_challenge, start, end)
{
    replay_into_the_next_exchange(0x22);
    expect_refusal(ATTEST_ERR_RELEASE_ECHO);
}

TEST_FIXTURE(a_release_replayed_with_its_challenge_is_for_another_key, start, end)
{
    replay_into_the_next_exchange(0x11);
    expect_refusal(ATTEST_ERR_RELEASE_EVIDENCE);
}

TEST_FIXTURE(each_signed_refusal_has_its_words, start, end)
{
    static const struct {
        enum release_status status;
        enum attest_error error;
    } cases[] = {
        {RELEASE_STATUS_BUSY, ATTEST_ERR_RELEASE_BUSY},
        {RELEASE_STATUS_SUPERSEDED, ATTEST_ERR_RELEASE_SUPERSEDED},
        {RELEASE_STATUS_STALE, ATTEST_ERR_RELEASE_STALE},
        {RELEASE_STATUS_DENIED, ATTEST_ERR_RELEASE_DENIED},
        {RELEASE_STATUS_FROZEN, ATTEST_ERR_RELEASE_FROZEN},
        {RELEASE_STATUS_RETRY, ATTEST_ERR_RELEASE_RETRY},
        {RELEASE_STATUS_UNKNOWN_VOLUME, ATTEST_ERR_RELEASE_NO_VOLUME},
        {(enum release_status)0xFF, ATTEST_ERR_RELEASE_NOT_NOW},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        proxy.status = cases[i].status;
        expect_refusal(cases[i].error);
        assert_int_equal(attest_error_status(cases[i].error), ATTEST_STATUS_KBS_REFUSED);
        end(state);
        start(state);
    }
}

TEST_FIXTURE(a_refusal_that_the_proxy_reports_is_no_release, start, end)
{
    proxy.attestation = "{\"success\":false,\"decryption\":null,\"token\":null,"
                        "\"reason\":\"kbs-refused\"}";
    expect_refusal(ATTEST_ERR_KBS_REFUSED);
}

TEST_FIXTURE(an_image_without_pins_takes_an_advert_for_any_challenge, start, end)
{
    uint8_t challenge[CHALLENGE_SIZE_MAX];

    proxy.signer = NULL; /* such a client asks for no record */
    assert_int_equal(fetch(&unsigned_terms), ATTEST_OK);
    assert_true(fake_proxy_saw_bound_key(&proxy));
    assert_int_equal(fake_proxy_challenge(&proxy, challenge, sizeof(challenge)),
                     RELEASE_ADVERT_SIZE);
}

static struct p521_point point_of_hex(const char *x, const char *y)
{
    struct p521_point point = {0};

    bytes_of_hex(x, point.x, sizeof(point.x));
    bytes_of_hex(y, point.y, sizeof(point.y));
    return point;
}

/* What the image of TV3 makes of its advert. */
static struct release_context tv3_context(struct challenge *challenge)
{
    struct release_context context = {.terms = &terms,
                                      .request = {.op = RELEASE_OP_ACQUIRE},
                                      .own_point = point_of_hex(tv1.own_x, tv1.own_y)};
    uint8_t scalar[P521_COORDINATE_SIZE];

    bytes_of_hex(tv3_kid, terms.pins[0].kid, RELEASE_KID_SIZE);
    bytes_of_hex(tv3_signing_x, terms.pins[0].point, 48);
    bytes_of_hex(tv3_signing_y, terms.pins[0].point + 48, 48);
    bytes_of_hex("00112233445566778899aabbccddeeff", terms.volume, sizeof(terms.volume));
    bytes_of_hex(tv1.own_d, scalar, sizeof(scalar));
    context.own = p521_from_scalar(&context.own_point, scalar);
    *challenge = (struct challenge){.size = RELEASE_ADVERT_SIZE};
    bytes_of_hex(tv3_advert, challenge->bytes, RELEASE_ADVERT_SIZE);
    assert_int_equal(release_terms_apply(&terms, challenge, &context.advert, &context.request),
                     ATTEST_OK);
    return context;
}

TEST_FIXTURE(tv3_gives_its_challenge_and_report_data, start, end)
{
    struct challenge challenge;
    struct release_context context = tv3_context(&challenge);
    uint8_t expected[128], report_data[REPORT_DATA_SIZE];

    assert_int_equal(challenge.size, RELEASE_ADVERT_SIZE + 31);
    bytes_of_hex(tv3_advert, expected, RELEASE_ADVERT_SIZE);
    bytes_of_hex(tv3_request, expected + RELEASE_ADVERT_SIZE, 31);
    assert_memory_equal(challenge.bytes, expected, challenge.size);
    assert_int_equal(report_data_for_key(&context.own_point, &challenge, report_data), ATTEST_OK);
    bytes_of_hex(tv3_report_data, expected, sizeof(report_data));
    assert_memory_equal(report_data, expected, sizeof(report_data));
    EVP_PKEY_free(context.own);
}

/* The vector has only the digest of its report, so that its record is one for another report. */
TEST_FIXTURE(tv3_passes_up_to_the_report, start, end)
{
    static const uint8_t report[REPORT_SIZE];
    struct challenge challenge;
    struct release_context context = tv3_context(&challenge);
    struct jwe_fresh fresh = {.ephemeral = NULL};
    struct p521_point epk = point_of_hex(tv1.epk_x, tv1.epk_y);
    uint8_t scalar[P521_COORDINATE_SIZE];
    struct jwe reply;

    bytes_of_hex(tv1.epk_d, scalar, sizeof(scalar));
    fresh.ephemeral = p521_from_scalar(&epk, scalar);
    context.report = report;
    assert_int_equal(
        jwe_encrypt_with(&fresh, &context.own_point, tv3_svsm_rel, key, sizeof(key), &reply),
        JWE_OK);
    assert_int_equal(release_reply_open(&context, &reply, key), ATTEST_ERR_RELEASE_EVIDENCE);
    context.advert.random[0] ^= 1;
    assert_int_equal(release_reply_open(&context, &reply, key), ATTEST_ERR_RELEASE_ECHO);
    reply.epk.x[65] ^= 1;
    assert_int_equal(release_reply_open(&context, &reply, key), ATTEST_ERR_HEADER);
    jwe_fresh_wipe(&fresh);
    EVP_PKEY_free(context.own);
}
