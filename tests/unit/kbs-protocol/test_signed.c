/* SPDX-License-Identifier: MIT */
/* Signed release records, through COCONUT-SVSM's proxy. */
#include <stdlib.h>

#include <openssl/sha.h>

#include "lib/jose/strict_json.h"
#include "tests/unit/kbs-protocol/client.h"
#include "tests/unit/registered.h"

/* The volume is released with a signed record only. */
static int set_up(void **state)
{
    struct world *world;

    if (client_begin(state) != 0)
        return -1;
    world = *state;
    world_retire_volume(world, "volume");
    world_add_volume(world, "signed", "image", VOLUME_RELEASE_SIGNED, "default");
    return 0;
}

static json_t *body_for(const struct release_request *request, client_alter *alter)
{
    uint8_t challenge[RELEASE_CHALLENGE_MAX];
    size_t size = client_challenge(&client, request, challenge);

    return client_coconut_body(&client, challenge, size, alter);
}

static unsigned attest(struct world *world, const struct release_request *request)
{
    client_authenticate(&client, world);
    return client_attest(&client, world, body_for(request, NULL), NULL, NULL);
}

/* Gets the session's reply and checks all that an SVSM checks of it but the status. */
static struct release_record get_record(struct world *world, const struct release_request *request,
                                        uint8_t payload[64], size_t *size)
{
    struct p521_point key = jwk_p521_point(&client.key);
    uint8_t digest[RELEASE_DIGEST_SIZE];
    struct release_record record;
    json_t *jwe;

    assert_int_equal(world_request(world, &client.connection, "GET", VOLUME_PATH, "", &jwe), 200);
    record = client_open_signed(&client, world, jwe, payload, size);
    json_decref(jwe);
    assert_int_equal(record.op, request->op);
    if (request->has_volume)
        assert_memory_equal(record.volume, request->volume, sizeof(record.volume));
    assert_memory_equal(record.random, client.nonce + RELEASE_ADVERT_SIZE - RELEASE_RANDOM_SIZE,
                        RELEASE_RANDOM_SIZE);
    SHA384((const uint8_t *)&key, sizeof(key), digest);
    assert_memory_equal(record.key_digest, digest, sizeof(digest));
    return record;
}

static const struct release_request acquire = {.op = RELEASE_OP_ACQUIRE};
static const struct release_request acquire_named = {
    .op = RELEASE_OP_ACQUIRE, .has_volume = true, .volume = "signed"};
static const struct release_request acquire_unknown = {
    .op = RELEASE_OP_ACQUIRE, .has_volume = true, .volume = "nobody's"};
static const struct release_request probe = {.op = RELEASE_OP_PROBE};

static void assert_status_only(struct world *world, const struct release_request *request,
                               unsigned status)
{
    uint8_t payload[64];
    size_t size;
    struct release_record record = get_record(world, request, payload, &size);

    assert_int_equal(record.status, status);
    assert_int_equal(size, 1);
    assert_int_equal(payload[0], 0);
}

TEST_FIXTURE(acquires_the_key_with_a_record_that_commits_to_it, set_up, client_end)
{
    struct world *world = *state;
    const struct release_request *const requests[] = {&acquire, &acquire_named};
    uint8_t payload[64];
    size_t size;

    for (int i = 0; i < 2; i++) {
        struct release_record record;

        assert_int_equal(attest(world, requests[i]), 200);
        record = get_record(world, requests[i], payload, &size);
        assert_int_equal(record.status, RELEASE_STATUS_OK);
        assert_true(record.has_volume && record.has_key_version && record.key_version == 1);
        assert_memory_equal(record.volume, "signed", 7);
        assert_int_equal(size, STATE_KEY_SIZE);
        assert_memory_equal(payload, world->volume_key, STATE_KEY_SIZE);
        world_expect_audit(world, "event", "release");
        world_expect_audit(world, "profile", "svsm-signed");
    }
}

TEST_FIXTURE(the_record_is_about_the_report, set_up, client_end)
{
    struct world *world = *state;
    json_t *body, *evidence;
    struct snp_report report;
    struct release_record record;
    uint8_t digest[RELEASE_DIGEST_SIZE], payload[64];
    size_t size;

    client_authenticate(&client, world);
    body = body_for(&acquire, NULL);
    evidence = json_object_get(json_object_get(body, "tee-evidence"), "primary_evidence");
    assert_true(strict_json_decode(BASE64_STANDARD, json_object_get(evidence, "snp-report"),
                                   &report, sizeof(report), &size));
    assert_int_equal(client_attest(&client, world, body, NULL, NULL), 200);
    record = get_record(world, &acquire, payload, &size);
    SHA384((const uint8_t *)&report, REPORT_SIGNED_SIZE, digest);
    assert_memory_equal(record.report_digest, digest, sizeof(digest));
}

TEST_FIXTURE(the_same_bytes_are_given_each_time, set_up, client_end)
{
    struct world *world = *state;
    char *first = NULL;

    assert_int_equal(attest(world, &acquire), 200);
    for (int i = 0; i < 3; i++) {
        json_t *jwe;
        char *text;

        assert_int_equal(world_request(world, &client.connection, "GET", VOLUME_PATH, "", &jwe),
                         200);
        text = json_dumps(jwe, JSON_COMPACT);
        if (first)
            assert_string_equal(text, first);
        else
            first = strdup(text);
        free(text);
        json_decref(jwe);
    }
    free(first);
}

TEST_FIXTURE(a_probe_gets_the_status_and_no_key, set_up, client_end)
{
    struct world *world = *state;

    assert_int_equal(attest(world, &probe), 200);
    assert_true(world_audit_has(world, "\"operation\":\"probe\""));
    assert_status_only(world, &probe, RELEASE_STATUS_OK);
    assert_false(world_audit_has(world, "\"event\":\"release\""));
}

/* Posts the same attestation again and expects a denial in a signed record, and no token. */
static void expect_denial(struct world *world, const struct release_request *request,
                          client_alter *alter, unsigned status, const char *code)
{
    char *token, found[64];
    size_t size;

    client_authenticate(&client, world);
    assert_int_equal(client_attest(&client, world, body_for(request, alter), NULL, &token), 200);
    assert_string_equal(token, "");
    free(token);
    world_expect_audit(world, "event", "attest");
    world_expect_audit(world, "result", "denied");
    world_expect_audit(world, "reason", code);
    assert_status_only(world, request, status);
    world_put_secret(world, "a/b/c", "default", "a secret", 8);
    assert_null(client_get(&client, world, "/kbs/v0/resource/a/b/c", &size, found));
    assert_string_equal(found, "not-attested");
}

TEST_FIXTURE(an_unknown_volume_is_said_to_be_unknown, set_up, client_end)
{
    expect_denial(*state, &acquire_unknown, NULL, RELEASE_STATUS_UNKNOWN_VOLUME, "volume-unknown");
}

TEST_FIXTURE(several_volumes_have_to_be_told_apart, set_up, client_end)
{
    struct world *world = *state;
    uint8_t payload[64];
    size_t size;

    world_add_volume(world, "second", "image", VOLUME_RELEASE_ANY, "default");
    expect_denial(world, &acquire, NULL, RELEASE_STATUS_UNKNOWN_VOLUME, "volume-ambiguous");
    assert_int_equal(attest(world, &acquire_named), 200);
    assert_int_equal(get_record(world, &acquire_named, payload, &size).status, RELEASE_STATUS_OK);
}

TEST_FIXTURE(a_retired_volume_is_denied, set_up, client_end)
{
    world_retire_volume(*state, "signed");
    expect_denial(*state, &acquire_named, NULL, RELEASE_STATUS_DENIED, "volume-retired");
}

TEST_FIXTURE(a_retired_image_is_denied, set_up, client_end)
{
    world_retire_image(*state, "image");
    expect_denial(*state, &acquire_named, NULL, RELEASE_STATUS_DENIED, "measurement-retired");
}

static void change_measurement(struct snp_report *report)
{
    memset(report->measurement, 0x11, sizeof(report->measurement));
}

TEST_FIXTURE(the_volume_of_another_image_is_denied, set_up, client_end)
{
    struct world *world = *state;

    expect_denial(world, &acquire_named, change_measurement, RELEASE_STATUS_DENIED,
                  "measurement-unknown");
    world_add_image(world, "other", 0x11);
    expect_denial(world, &acquire_named, change_measurement, RELEASE_STATUS_DENIED,
                  "measurement-refused");
}

TEST_FIXTURE(what_the_policy_refuses_is_denied, set_up, client_end)
{
    struct world *world = *state;

    world_put_policy(world, "default", "tcb = { milan = { snp = 200; }; };");
    expect_denial(world, &acquire, NULL, RELEASE_STATUS_DENIED, "tcb-reported-snp");
    assert_true(world_audit_has(world, "EMULATED: NOT CONFIDENTIAL"));
}

static void forge(struct snp_report *report)
{
    report->vmpl = 1; /* genuine all the same: the chip signs it */
}

TEST_FIXTURE(nothing_is_signed_before_evidence_is_genuine_and_bound, set_up, client_end)
{
    struct world *world = *state;
    json_t *body, *evidence;
    struct snp_report report;
    size_t size;

    /* a signature that is not the chip's */
    client_authenticate(&client, world);
    body = body_for(&acquire, NULL);
    evidence = json_object_get(json_object_get(body, "tee-evidence"), "primary_evidence");
    assert_true(strict_json_decode(BASE64_STANDARD, json_object_get(evidence, "snp-report"),
                                   &report, sizeof(report), &size));
    report.signature_r[3] ^= 1;
    json_object_set_new(evidence, "snp-report",
                        strict_json_encode(BASE64_STANDARD, &report, sizeof(report)));
    client_expect_refusal(&client, world, body, "report-signature");

    /* a report over another challenge, whatever else the owner would say */
    client_authenticate(&client, world);
    body = body_for(&acquire, change_measurement);
    json_object_set(
        json_object_get(body, "runtime-data"), "nonce",
        json_object_get(
            json_object_get(evidence = body_for(&acquire_unknown, NULL), "runtime-data"), "nonce"));
    json_decref(evidence);
    client_authenticate(&client, world);
    client_expect_refusal(&client, world, body, "nonce-mismatch");

    client_authenticate(&client, world);
    body = body_for(&acquire, NULL);
    evidence = body_for(&acquire_unknown, NULL);
    json_object_set(body, "runtime-data", json_object_get(evidence, "runtime-data"));
    json_decref(evidence);
    client_expect_refusal(&client, world, body, "report-data");

    /* nobody's chip */
    world->trust.emulated_ark = NULL;
    client_authenticate(&client, world);
    client_expect_refusal(&client, world, body_for(&acquire, NULL), "emulated-untrusted");
}

TEST_FIXTURE(a_genuine_report_of_a_lower_privilege_is_denied, set_up, client_end)
{
    expect_denial(*state, &acquire, forge, RELEASE_STATUS_DENIED, "vmpl");
}

TEST_FIXTURE(a_request_without_its_tail_gets_nothing_from_a_signed_volume, set_up, client_end)
{
    struct world *world = *state;

    client_authenticate(&client, world);
    client_expect_refusal(&client, world, client_coconut(&client), "signed-release-required");
}

TEST_FIXTURE(a_tail_that_is_no_request_is_refused, set_up, client_end)
{
    static const char *const tails[] = {"x", "SVXQ", "SVXQ\0\0", "SVXR\0\5\0\1\0\1\1",
                                        "SVXQ\0\5\0\1\0\1\7"};
    static const size_t sizes[] = {1, 4, 6, 11, 11};
    struct world *world = *state;
    uint8_t challenge[RELEASE_CHALLENGE_MAX];

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        client_authenticate(&client, world);
        memcpy(challenge, client.nonce, client.nonce_size);
        memcpy(challenge + client.nonce_size, tails[i], sizes[i]);
        client_expect_refusal(
            &client, world,
            client_coconut_body(&client, challenge, client.nonce_size + sizes[i], NULL),
            "release-request-malformed");
    }
}

#define ROTATIONS 20

TEST_FIXTURE(images_that_pin_an_old_key_get_their_record_after_any_number_of_rotations, set_up,
             client_end)
{
    struct world *world = *state;
    struct release_request request = acquire;
    uint8_t payload[64], newest[SIGNING_KEY_ID_SIZE];
    size_t size;

    request.has_kid = true;
    memcpy(request.kid, world->release_kid, sizeof(request.kid));
    for (int i = 0; i < ROTATIONS; i++)
        world_replace_key(world, SIGNING_KEY_RELEASE, newest);
    assert_int_equal(attest(world, &request), 200);
    get_record(world, &request, payload, &size); /* opens with the first key */
    assert_memory_equal(payload, world->volume_key, STATE_KEY_SIZE);
    world_retire_key(world, world->release_kid);
    client_authenticate(&client, world);
    client_expect_refusal(&client, world, body_for(&request, NULL), "release-key-unknown");
}

TEST_FIXTURE(the_client_may_name_the_key_that_signs, set_up, client_end)
{
    struct world *world = *state;
    struct release_request request = acquire;
    uint8_t payload[64], older[RELEASE_KID_SIZE];
    size_t size;

    memcpy(older, world->release_kid, sizeof(older));
    world->now++;
    world_replace_key(world, SIGNING_KEY_RELEASE, request.kid);
    request.has_kid = true;
    memcpy(request.kid, older, sizeof(older));
    assert_int_equal(attest(world, &request), 200);
    get_record(world, &request, payload, &size); /* opens with the older key */
    assert_memory_equal(payload, world->volume_key, STATE_KEY_SIZE);

    world_retire_key(world, older);
    client_authenticate(&client, world);
    client_expect_refusal(&client, world, body_for(&request, NULL), "release-key-unknown");
}

TEST_FIXTURE(the_advertised_key_signs_though_another_became_active, set_up, client_end)
{
    struct world *world = *state;
    uint8_t payload[64], newer[RELEASE_KID_SIZE];
    size_t size;

    client_authenticate(&client, world);
    world->now++;
    world_replace_key(world, SIGNING_KEY_RELEASE, newer);
    assert_int_equal(client_attest(&client, world, body_for(&acquire, NULL), NULL, NULL), 200);
    get_record(world, &acquire, payload, &size);
}

TEST_GROUP(world_make_chip, world_free_chip)
