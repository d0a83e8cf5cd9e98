/* SPDX-License-Identifier: MIT */
/* The dialect of COCONUT-SVSM's proxy, and what all dialects share. */
#include <stdlib.h>

#include <openssl/sha.h>

#include "kbs/metrics.h"
#include "kbs/protocol/protocol.h"

#include "lib/jose/strict_json.h"
#include "tests/unit/kbs-protocol/client.h"
#include "tests/unit/registered.h"

#define SIGNED_ONLY VOLUME_RELEASE_SIGNED

static unsigned attest(struct world *world)
{
    return client_attest(&client, world, client_coconut(&client), NULL, NULL);
}

TEST_FIXTURE(releases_the_volumes_key_to_the_key_in_the_report, client_begin, client_end)
{
    struct world *world = *state;
    size_t size;
    char *key;

    client_authenticate(&client, world);
    assert_int_equal(attest(world), 200);
    for (int i = 0; i < 2; i++) { /* a reply may be lost on its way */
        key = client_get(&client, world, VOLUME_PATH, &size, NULL);
        assert_int_equal(size, STATE_KEY_SIZE);
        assert_memory_equal(key, world->volume_key, STATE_KEY_SIZE);
        free(key);
    }
}

TEST_FIXTURE(the_same_reply_is_given_each_time, client_begin, client_end)
{
    struct world *world = *state;
    json_t *one, *two;

    client_authenticate(&client, world);
    assert_int_equal(attest(world), 200);
    assert_int_equal(world_request(world, &client.connection, "GET", VOLUME_PATH, "", &one), 200);
    assert_int_equal(world_request(world, &client.connection, "GET", VOLUME_PATH, "", &two), 200);
    assert_true(json_equal(one, two));
    json_decref(one);
    json_decref(two);
}

TEST_FIXTURE(headers_alone_are_no_release, client_begin, client_end)
{
    struct world *world = *state;
    uint64_t before;

    client_authenticate(&client, world);
    assert_int_equal(attest(world), 200);
    before = world_audit_count(world);
    client.connection.head = true;
    assert_int_equal(world_request(world, &client.connection, "GET", VOLUME_PATH, "", NULL), 404);
    assert_int_equal(world_audit_count(world), before);
    client.connection.head = false;
    assert_int_equal(world_request(world, &client.connection, "GET", VOLUME_PATH, "", NULL), 200);
}

TEST_FIXTURE(each_outcome_has_a_line_that_tells_no_secret, client_begin, client_end)
{
    struct world *world = *state;
    uint64_t before = world_audit_count(world);
    char key_text[BASE64_LENGTH(STATE_KEY_SIZE) + 1], *token;

    client_authenticate(&client, world);
    assert_int_equal(world_audit_count(world), before); /* anybody may do so */
    assert_int_equal(client_attest(&client, world, client_coconut(&client), NULL, &token), 200);
    assert_int_equal(world_audit_count(world), before + 1);
    world_expect_audit(world, "event", "attest");
    world_expect_audit(world, "result", "accepted");
    world_expect_audit(world, "profile", "coconut");
    world_expect_audit(world, "platform", "EMULATED: NOT CONFIDENTIAL");
    world_expect_audit(world, "policy", "default");
    world_expect_audit(world, "image", "image");
    world_expect_audit(world, "volume", "volume");
    world_expect_audit(world, "peer", "192.0.2.1");
    assert_int_equal(world_request(world, &client.connection, "GET", VOLUME_PATH, "", NULL), 200);
    assert_int_equal(world_audit_count(world), before + 2);
    world_expect_audit(world, "event", "release");
    world_expect_audit(world, "result", "released");
    world_expect_audit(world, "platform", "EMULATED: NOT CONFIDENTIAL");
    base64_encode(BASE64_STANDARD, world->volume_key, STATE_KEY_SIZE, key_text);
    assert_false(world_audit_has(world, key_text));
    assert_false(world_audit_has(world, client.nonce_text));
    assert_false(world_audit_has(world, client.connection.cookie));
    assert_false(world_audit_has(world, token));
    free(token);
}

TEST_FIXTURE(a_release_is_noted_at_the_volume, client_begin, client_end)
{
    struct world *world = *state;
    struct store_unit *unit;
    struct volume volume;

    client_authenticate(&client, world);
    assert_int_equal(attest(world), 200);
    assert_int_equal(world_request(world, &client.connection, "GET", VOLUME_PATH, "", NULL), 200);
    assert_int_equal(store_begin_reading(world->store, &unit), STORE_OK);
    assert_int_equal(volume_by_name(unit, "volume", &volume), STORE_OK);
    store_abandon(unit);
    assert_int_equal(volume.last_released, world->now);
}

TEST_FIXTURE(counts_what_happens, client_begin, client_end)
{
    struct world *world = *state;
    uint64_t opened = metric_get(METRIC_SESSIONS_OPENED);
    uint64_t accepted = metric_get(METRIC_ATTESTATIONS_ACCEPTED);
    uint64_t emulated = metric_get(METRIC_ATTESTATIONS_EMULATED);
    uint64_t refused = metric_get(METRIC_ATTESTATIONS_REFUSED);
    uint64_t released = metric_get(METRIC_SECRETS_RELEASED);

    client_authenticate(&client, world);
    assert_int_equal(attest(world), 200);
    assert_int_equal(attest(world), 401);
    assert_int_equal(world_request(world, &client.connection, "GET", VOLUME_PATH, "", NULL), 200);
    assert_int_equal(metric_get(METRIC_SESSIONS_OPENED), opened + 1);
    assert_int_equal(metric_get(METRIC_ATTESTATIONS_ACCEPTED), accepted + 1);
    assert_int_equal(metric_get(METRIC_ATTESTATIONS_EMULATED), emulated + 1);
    assert_int_equal(metric_get(METRIC_ATTESTATIONS_REFUSED), refused + 1);
    assert_int_equal(metric_get(METRIC_SECRETS_RELEASED), released + 1);
}

TEST_FIXTURE(errors_look_like_trustees, client_begin, client_end)
{
    struct world *world = *state;
    json_t *reply;

    assert_int_equal(world_request(world, &client.connection, "GET", VOLUME_PATH, "", &reply), 401);
    assert_string_equal(json_string_value(json_object_get(reply, "type")),
                        "https://github.com/confidential-containers/kbs/errors/TokenNotFound");
    json_decref(reply);
    world_expect_refusal(world, "GET", VOLUME_PATH, "", 401, "not-attested");
    world_expect_refusal(world, "PUT", VOLUME_PATH, "", 404, "no-such-path");
    world_expect_refusal(world, "GET", "/kbs/v0/auth", "", 404, "no-such-path");
    world_expect_refusal(world, "GET", "/kbs/v0/resource/a/b", "", 404, "no-such-path");
    world_expect_refusal(world, "GET", "/kbs/v0/resource/a/b/.c", "", 404, "no-such-path");
    world_expect_refusal(world, "GET", "/kbs/v0/resource/a/b/c/d", "", 404, "no-such-path");
}

TEST_FIXTURE(greets_only_this_version_and_platform, client_begin, client_end)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"version\":\"0.4.1\",\"tee\":\"snp\",\"extra-params\":\"\"}",
        "{\"version\":\"0.4.0\",\"tee\":\"tdx\",\"extra-params\":\"\"}",
        "{\"version\":\"0.4.0\",\"tee\":\"snp\"}",
        "{\"version\":4,\"tee\":\"snp\",\"extra-params\":\"\"}",
        "{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":\"\",\"tee\":\"snp\"}",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        world_expect_refusal(*state, "POST", "/kbs/v0/auth", bad[i], 401, "request-unsupported");
        world_expect_audit(*state, "event", "auth");
        world_expect_audit(*state, "reason", "request-unsupported");
    }
    assert_int_equal(world_request(*state, &client.connection, "POST", "/kbs/v0/auth",
                                   "{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":"
                                   "{\"supported-hash-algorithms\":[\"sha384\"]},\"more\":1}",
                                   NULL),
                     200);
}

TEST_FIXTURE(too_large_a_body_is_refused_unread, client_begin, client_end)
{
    char *body = malloc(WORLD_BODY_MAX + 2);

    memset(body, ' ', WORLD_BODY_MAX + 1);
    body[WORLD_BODY_MAX + 1] = '\0';
    world_expect_refusal(*state, "POST", "/kbs/v0/auth", body, 413, "request-too-large");
    free(body);
}

TEST_FIXTURE(the_nonce_advertises_the_key_that_signs, client_begin, client_end)
{
    struct world *world = *state;
    struct release_advert advert;

    client_authenticate(&client, world);
    assert_int_equal(client.nonce_size, RELEASE_ADVERT_SIZE);
    assert_true(release_advert_parse(client.nonce, client.nonce_size, &advert));
    assert_int_equal(advert.capabilities, RELEASE_CAP_SIGNED);
    assert_memory_equal(advert.kid, world->release_kid, RELEASE_KID_SIZE);
    world_retire_key(world, world->release_kid);
    client_authenticate(&client, world);
    assert_int_equal(client.nonce_size, 32);
    assert_int_equal(attest(world), 200);
}

TEST_FIXTURE(refuses_without_a_session, client_begin, client_end)
{
    struct world *world = *state;
    json_t *body;

    client_authenticate(&client, world);
    body = client_coconut(&client);
    client.connection.cookie[0] = '\0';
    client_expect_refusal(&client, world, body, "session-unknown");
    strcpy(client.connection.cookie, "0123456789abcdef0123456789abcdef");
    client_expect_refusal(&client, world, client_coconut(&client), "session-unknown");
    strcpy(client.connection.cookie, "../../etc/passwd");
    client_expect_refusal(&client, world, client_coconut(&client), "session-unknown");
}

TEST_FIXTURE(a_nonce_serves_one_attestation_only, client_begin, client_end)
{
    struct world *world = *state;
    char code[64];

    client_authenticate(&client, world);
    assert_int_equal(attest(world), 200);
    assert_int_equal(client_attest(&client, world, client_coconut(&client), code, NULL), 401);
    assert_string_equal(code, "nonce-spent");
    client_authenticate(&client, world);
    assert_int_equal(
        world_request(world, &client.connection, "POST", "/kbs/v0/attest", "garbage", NULL), 401);
    client_expect_refusal(&client, world, client_coconut(&client), "nonce-spent");
}

TEST_FIXTURE(refuses_a_report_over_an_older_nonce, client_begin, client_end)
{
    struct world *world = *state;
    json_t *old, *body;

    client_authenticate(&client, world);
    old = client_coconut(&client);
    client_authenticate(&client, world);
    body = client_coconut(&client);
    json_object_set(body, "tee-evidence", json_object_get(old, "tee-evidence"));
    client_expect_refusal(&client, world, body, "report-data");
    json_decref(old);
}

TEST_FIXTURE(refuses_the_nonce_of_another_session, client_begin, client_end)
{
    struct world *world = *state;
    json_t *body;

    client_authenticate(&client, world);
    body = client_coconut(&client);
    client_authenticate(&client, world);
    client_expect_refusal(&client, world, body, "nonce-mismatch");
}

TEST_FIXTURE(refuses_a_report_that_binds_another_key, client_begin, client_end)
{
    struct world *world = *state;
    struct client thief;
    json_t *body;

    client_start(&thief, CLIENT_P521);
    client_authenticate(&client, world);
    body = client_coconut(&client);
    json_object_set_new(json_object_get(body, "runtime-data"), "tee-pubkey",
                        jwk_to_json(&thief.key));
    client_expect_refusal(&client, world, body, "report-data");
    client_stop(&thief);
}

TEST_FIXTURE(refuses_a_key_off_the_curve, client_begin, client_end)
{
    struct world *world = *state;

    client_authenticate(&client, world);
    client.key.second[65] ^= 1;
    client_expect_refusal(&client, world, client_coconut(&client), "key-invalid");
}

TEST_FIXTURE(expired_sessions_and_nonces_get_nothing, client_begin, client_end)
{
    struct world *world = *state;

    client_authenticate(&client, world);
    world->now += SESSION_NONCE_LIFETIME;
    client_expect_refusal(&client, world, client_coconut(&client), "session-unknown");

    client_authenticate(&client, world);
    assert_int_equal(attest(world), 200);
    world->now += SESSION_LIFETIME - 1;
    assert_int_equal(world_request(world, &client.connection, "GET", VOLUME_PATH, "", NULL), 200);
    world->now++;
    assert_int_equal(world_request(world, &client.connection, "GET", VOLUME_PATH, "", NULL), 401);
}

TEST_FIXTURE(an_emulated_platform_is_refused_by_who_does_not_trust_it, client_begin, client_end)
{
    struct world *world = *state;

    world->trust.emulated_ark = NULL;
    client_authenticate(&client, world);
    client_expect_refusal(&client, world, client_coconut(&client), "emulated-untrusted");
}

static void change_measurement(struct snp_report *report)
{
    memset(report->measurement, 0x11, sizeof(report->measurement));
}

TEST_FIXTURE(an_image_that_is_not_registered_gets_nothing, client_begin, client_end)
{
    struct world *world = *state;

    client_authenticate(&client, world);
    client_expect_refusal(
        &client, world,
        client_coconut_body(&client, client.nonce, client.nonce_size, change_measurement),
        "measurement-unknown");
    assert_true(world_audit_has(world, "the launch measurement is not registered"));
}

TEST_FIXTURE(an_image_without_a_volume_gets_nothing, client_begin, client_end)
{
    struct world *world = *state;

    world_add_image(world, "other", 0x11);
    client_authenticate(&client, world);
    client_expect_refusal(
        &client, world,
        client_coconut_body(&client, client.nonce, client.nonce_size, change_measurement),
        "volume-unknown");
}

TEST_FIXTURE(an_image_with_several_volumes_has_to_name_one, client_begin, client_end)
{
    struct world *world = *state;

    world_add_volume(world, "second", "image", VOLUME_RELEASE_ANY, "default");
    client_authenticate(&client, world);
    client_expect_refusal(&client, world, client_coconut(&client), "volume-ambiguous");
}

TEST_FIXTURE(a_retired_image_gets_nothing, client_begin, client_end)
{
    struct world *world = *state;

    client_authenticate(&client, world);
    world_retire_image(world, "image");
    client_expect_refusal(&client, world, client_coconut(&client), "measurement-retired");
}

TEST_FIXTURE(a_volume_that_is_retired_meanwhile_is_not_released, client_begin, client_end)
{
    struct world *world = *state;
    char code[64];
    size_t size;

    client_authenticate(&client, world);
    assert_int_equal(attest(world), 200);
    world_retire_volume(world, "volume");
    assert_null(client_get(&client, world, VOLUME_PATH, &size, code));
    assert_string_equal(code, "volume-changed");
}

TEST_FIXTURE(what_the_owner_changes_meanwhile_holds_at_once, client_begin, client_end)
{
    struct world *world = *state;
    char code[64];
    size_t size;

    client_authenticate(&client, world);
    assert_int_equal(attest(world), 200);
    world_put_policy(world, "default", "tcb = { milan = { snp = 200; }; };");
    assert_null(client_get(&client, world, VOLUME_PATH, &size, code));
    assert_string_equal(code, "tcb-reported-snp");
    world_expect_audit(world, "event", "release");
    world_expect_audit(world, "result", "refused");
    world_expect_audit(world, "volume", "volume");
    world_put_policy(world, "default", "");
    world_retire_image(world, "image");
    assert_null(client_get(&client, world, VOLUME_PATH, &size, code));
    assert_string_equal(code, "measurement-retired");
}

TEST_FIXTURE(a_volume_for_signed_records_is_not_released_without, client_begin, client_end)
{
    struct world *world = *state;

    world_retire_volume(world, "volume");
    world_add_volume(world, "signed", "image", SIGNED_ONLY, "default");
    client_authenticate(&client, world);
    client_expect_refusal(&client, world, client_coconut(&client), "signed-release-required");
    assert_true(world_audit_has(world, "\"volume\":\"signed\""));
}

TEST_FIXTURE(the_volumes_own_policy_decides, client_begin, client_end)
{
    struct world *world = *state;

    world_put_policy(world, "default", "images = [ \"another\" ];");
    client_authenticate(&client, world);
    client_expect_refusal(&client, world, client_coconut(&client), "measurement-refused");
    world_put_policy(world, "default", "tcb = { milan = { microcode = 255; }; };");
    client_authenticate(&client, world);
    client_expect_refusal(&client, world, client_coconut(&client), "tcb-reported-microcode");
    world_put_policy(world, "default", "");
    client_authenticate(&client, world);
    assert_int_equal(attest(world), 200);
}

TEST_FIXTURE(a_policy_that_is_none_releases_nothing, client_begin, client_end)
{
    struct world *world = *state;
    char code[64];

    world_put_policy(world, "default", "nonsense = ");
    client_authenticate(&client, world);
    assert_int_equal(client_attest(&client, world, client_coconut(&client), code, NULL), 503);
    assert_string_equal(code, "policy-invalid");
}

TEST_FIXTURE(a_forged_report_is_refused, client_begin, client_end)
{
    struct world *world = *state;
    json_t *body, *primary;
    struct snp_report report;
    size_t size;

    client_authenticate(&client, world);
    body = client_coconut(&client);
    primary = json_object_get(json_object_get(body, "tee-evidence"), "primary_evidence");
    assert_true(strict_json_decode(BASE64_STANDARD, json_object_get(primary, "snp-report"), &report,
                                   sizeof(report), &size));
    report.guest_svn++;
    json_object_set_new(primary, "snp-report",
                        strict_json_encode(BASE64_STANDARD, &report, sizeof(report)));
    client_expect_refusal(&client, world, body, "report-signature");
}

TEST_FIXTURE(ordinary_secrets_go_to_the_same_session, client_begin, client_end)
{
    struct world *world = *state;
    char code[64], *secret;
    size_t size;

    world_put_secret(world, "a/b/c", "default", "a secret", 8);
    client_authenticate(&client, world);
    assert_int_equal(attest(world), 200);
    secret = client_get(&client, world, "/kbs/v0/resource/a/b/c", &size, code);
    assert_int_equal(size, 8);
    assert_memory_equal(secret, "a secret", 8);
    free(secret);
    world_expect_audit(world, "resource", "a/b/c");
    assert_null(client_get(&client, world, "/kbs/v0/resource/a/b/d", &size, code));
    assert_string_equal(code, "resource-missing");
}

/* The world has room for 8. */
TEST_FIXTURE(sessions_begin_however_many_were_granted_before, client_begin, client_end)
{
    struct world *world = *state;

    for (int i = 0; i < 20; i++) {
        client_authenticate(&client, world);
        assert_int_equal(attest(world), 200);
    }
}

TEST_FIXTURE(cookies_stay_on_tls_where_there_is_tls, client_begin, client_end)
{
    struct world *world = *state;
    struct http_request request = {.method = "POST",
                                   .path = "/kbs/v0/auth",
                                   .peer = "",
                                   .body =
                                       "{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":1}",
                                   .now = world->now};

    request.body_size = strlen(request.body);
    for (int tls = 0; tls <= 1; tls++) {
        struct http_reply reply = {0};

        world->kbs.tls = tls;
        protocol_answer(&world->kbs, &request, &reply);
        assert_string_equal(reply.headers[0].name, "Set-Cookie");
        assert_non_null(strstr(reply.headers[0].value,
                               "; Path=/kbs/v0; Max-Age=300; HttpOnly; SameSite=Strict"));
        assert_int_equal(strstr(reply.headers[0].value, "; Secure") != NULL, tls);
        http_reply_release(&reply);
    }
}

TEST_GROUP(world_make_chip, world_free_chip)
