/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/sha.h>

#include "kbs/api.h"
#include "lib/jose/base64.h"
#include "tests/unit/kbs/guest.h"
#include "tests/unit/kbs/scratch.h"

#define HELLO "{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":\"\"}"

static struct chip chip;
static struct trust trust;
static uint8_t table[8192];
static size_t table_size;
static uint8_t secret[STATE_KEY_SIZE];

static int make_world(void **state)
{
    chip_make(&chip);
    trust = (struct trust){.emulated_ark = chip.ark};
    table_size = chip_table(NULL, chip.ask, chip.vcek, table, sizeof(table));
    memset(secret, 0x77, sizeof(secret));
    return scratch_make(state);
}

static int remove_world(void **state)
{
    chip_free(&chip);
    return scratch_remove(state);
}

/* A server with nothing but the measurement of chip's reports registered, and one guest. */
struct world {
    struct api api;
    struct guest guest;
    time_t now;
    char session_id[SESSION_ID_LENGTH + 1]; /* cookie, empty before /auth */
    char nonce[64];
    uint8_t nonce_bytes[SESSION_NONCE_SIZE];
};

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    struct snp_report report = chip_report(&chip, (uint8_t[REPORT_DATA_SIZE]){0});
    char path[PATH_MAX];

    *state = world;
    world->now = time(NULL);
    world->api = (struct api){.sessions = sessions_new(4), .trust = &trust};
    if (store_open(scratch_path("db", path), true, &world->api.store) != STORE_OK ||
        store_register(world->api.store, report.measurement, secret, true, 1) != STORE_OK)
        return -1;
    guest_start(&world->guest, &chip);
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    guest_stop(&world->guest);
    store_close(world->api.store);
    sessions_free(world->api.sessions);
    free(world);
    return 0;
}

/* Sends a request with the world's cookie; returns the status and, if wanted, the reply. */
static unsigned request(struct world *world, const char *method, const char *path, const char *body,
                        json_t **reply)
{
    const struct api_request request = {
        .method = method,
        .path = path,
        .session_id = world->session_id[0] ? world->session_id : NULL,
        .peer = "test",
        .body = body,
        .body_size = strlen(body),
        .now = world->now,
    };
    struct api_reply answer;

    api_answer(&world->api, &request, &answer);
    assert_non_null(answer.body);
    if (answer.session_id[0])
        strcpy(world->session_id, answer.session_id);
    if (reply)
        *reply = json_loads(answer.body, 0, NULL);
    free(answer.body);
    return answer.status;
}

static void authenticate(struct world *world)
{
    json_t *reply;

    world->session_id[0] = '\0';
    assert_int_equal(request(world, "POST", "/kbs/v0/auth", HELLO, &reply), 200);
    assert_string_equal(json_string_value(json_object_get(reply, "extra-params")), "");
    strcpy(world->nonce, json_string_value(json_object_get(reply, "nonce")));
    assert_true(base64_decode_exact(BASE64_STANDARD, world->nonce, strlen(world->nonce),
                                    world->nonce_bytes, sizeof(world->nonce_bytes)));
    json_decref(reply);
}

/* Posts an attestation of report; *code is the code of a refusal, or empty. Hands over body. */
static unsigned post_attestation(struct world *world, json_t *body, char code[64])
{
    char *text = json_dumps(body, JSON_COMPACT);
    const char *detail;
    json_t *reply;
    unsigned status = request(world, "POST", "/kbs/v0/attest", text, &reply);

    detail = json_string_value(json_object_get(reply, "detail"));
    snprintf(code, 64, "%s", detail ? detail : "");
    if (status == 200)
        assert_true(json_is_string(json_object_get(reply, "token")));
    json_decref(reply);
    json_decref(body);
    free(text);
    return status;
}

static json_t *good_attestation(struct world *world)
{
    struct snp_report report =
        guest_report(&world->guest, world->nonce_bytes, sizeof(world->nonce_bytes));

    return guest_attestation(&world->guest, world->nonce, &report, table, table_size);
}

static unsigned attest(struct world *world)
{
    char code[64];

    return post_attestation(world, good_attestation(world), code);
}

#define RESOURCE "/kbs/v0/resource/default/sample/test"

static void assert_refused(struct world *world, json_t *attestation, const char *code)
{
    char found[64];

    assert_int_equal(post_attestation(world, attestation, found), 401);
    assert_string_equal(found, code);
    assert_int_equal(request(world, "GET", RESOURCE, "", NULL), 401);
}

static void releases_the_secret_to_the_key_in_the_report(void **state)
{
    struct world *world = *state;
    uint8_t released[STATE_KEY_SIZE];
    json_t *jwe;

    authenticate(world);
    assert_int_equal(attest(world), 200);
    for (int i = 0; i < 2; i++) { /* a reply may be lost on its way */
        assert_int_equal(request(world, "GET", RESOURCE, "", &jwe), 200);
        assert_true(guest_open(&world->guest, jwe, released));
        assert_memory_equal(released, secret, sizeof(secret));
        json_decref(jwe);
    }
}

static void errors_look_like_trustees(void **state)
{
    json_t *reply;

    assert_int_equal(request(*state, "GET", RESOURCE, "", &reply), 401);
    assert_string_equal(json_string_value(json_object_get(reply, "type")),
                        "https://github.com/confidential-containers/kbs/errors/TokenNotFound");
    assert_true(json_is_string(json_object_get(reply, "detail")));
    json_decref(reply);
    assert_int_equal(request(*state, "GET", "/kbs/v0/resource/default/sample/other", "", NULL),
                     404);
    assert_int_equal(request(*state, "PUT", RESOURCE, "", NULL), 404);
    assert_int_equal(request(*state, "GET", "/kbs/v0/auth", "", NULL), 404);
}

static void greets_only_this_version_and_platform(void **state)
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

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(request(*state, "POST", "/kbs/v0/auth", bad[i], NULL), 401);
}

static void refuses_without_a_cookie(void **state)
{
    struct world *world = *state;
    json_t *attestation;

    authenticate(world);
    attestation = good_attestation(world);
    world->session_id[0] = '\0';
    assert_refused(world, attestation, "session-unknown");
}

static void a_nonce_serves_one_attestation_only(void **state)
{
    struct world *world = *state;
    char code[64];

    authenticate(world);
    assert_int_equal(attest(world), 200);
    assert_int_equal(post_attestation(world, good_attestation(world), code), 401);
    assert_string_equal(code, "nonce-spent");

    authenticate(world);
    assert_int_equal(request(world, "POST", "/kbs/v0/attest", "garbage", NULL), 401);
    assert_refused(world, good_attestation(world), "nonce-spent");
}

static void refuses_a_report_over_an_older_nonce(void **state)
{
    struct world *world = *state;
    struct snp_report old;

    authenticate(world);
    old = guest_report(&world->guest, world->nonce_bytes, sizeof(world->nonce_bytes));
    authenticate(world);
    assert_refused(world, guest_attestation(&world->guest, world->nonce, &old, table, table_size),
                   "report-data");
}

static void refuses_the_nonce_of_another_session(void **state)
{
    struct world *world = *state;
    json_t *attestation;

    authenticate(world);
    attestation = good_attestation(world);
    authenticate(world);
    assert_refused(world, attestation, "nonce-mismatch");
}

static void refuses_a_nonce_hashed_before_the_key(void **state)
{
    struct world *world = *state;
    uint8_t bound[SESSION_NONCE_SIZE + sizeof(struct p521_point)], report_data[REPORT_DATA_SIZE];
    struct snp_report report;

    authenticate(world);
    memcpy(bound, world->nonce_bytes, SESSION_NONCE_SIZE);
    memcpy(bound + SESSION_NONCE_SIZE, &world->guest.point, sizeof(world->guest.point));
    SHA512(bound, sizeof(bound), report_data);
    report = chip_report(&chip, report_data);
    chip_sign(&chip, &report);
    assert_refused(world,
                   guest_attestation(&world->guest, world->nonce, &report, table, table_size),
                   "report-data");
}

static void refuses_a_report_that_binds_another_key(void **state)
{
    struct world *world = *state;
    struct guest thief;
    struct snp_report report;

    authenticate(world);
    report = guest_report(&world->guest, world->nonce_bytes, sizeof(world->nonce_bytes));
    guest_start(&thief, &chip);
    assert_refused(world, guest_attestation(&thief, world->nonce, &report, table, table_size),
                   "report-data");
    guest_stop(&thief);
}

static void expired_sessions_and_nonces_get_nothing(void **state)
{
    struct world *world = *state;

    authenticate(world);
    world->now += NONCE_LIFETIME;
    assert_refused(world, good_attestation(world), "nonce-spent");

    authenticate(world);
    world->now += SESSION_LIFETIME;
    assert_refused(world, good_attestation(world), "session-unknown");

    authenticate(world);
    assert_int_equal(attest(world), 200);
    world->now += SESSION_LIFETIME;
    assert_int_equal(request(world, "GET", RESOURCE, "", NULL), 401);
}

static void releases_nothing_for_what_is_not_or_no_longer_registered(void **state)
{
    struct world *world = *state;
    json_t *reply;
    unsigned count;

    authenticate(world);
    assert_int_equal(attest(world), 200);
    assert_int_equal(store_flush(world->api.store, &count), STORE_OK);
    assert_int_equal(request(world, "GET", RESOURCE, "", &reply), 401);
    assert_string_equal(json_string_value(json_object_get(reply, "detail")), "resource-missing");
    json_decref(reply);

    authenticate(world);
    assert_refused(world, good_attestation(world), "measurement-unknown");
}

static void refuses_emulated_platforms_by_default(void **state)
{
    struct world *world = *state;
    const struct trust nobody = {0};

    world->api.trust = &nobody;
    authenticate(world);
    assert_refused(world, good_attestation(world), "emulated-untrusted");
}

static void uses_the_owners_certificates_when_the_client_has_none(void **state)
{
    struct world *world = *state;
    const struct trust provided = {.emulated_ark = chip.ark,
                                   .of_emulated = {.ask = chip.ask, .vcek = chip.vcek}};
    struct snp_report report;
    char code[64];

    authenticate(world);
    report = guest_report(&world->guest, world->nonce_bytes, sizeof(world->nonce_bytes));
    assert_refused(world, guest_attestation(&world->guest, world->nonce, &report, NULL, 0),
                   "certificate-missing");

    world->api.trust = &provided;
    authenticate(world);
    report = guest_report(&world->guest, world->nonce_bytes, sizeof(world->nonce_bytes));
    assert_int_equal(
        post_attestation(world, guest_attestation(&world->guest, world->nonce, &report, NULL, 0),
                         code),
        200);
}

/* Attests after the value at a member's path has been replaced; hands over value. */
static void assert_malformed(struct world *world, const char *outer, const char *inner,
                             const char *name, json_t *value)
{
    json_t *attestation, *object;

    authenticate(world);
    attestation = good_attestation(world);
    object = outer ? json_object_get(attestation, outer) : attestation;
    if (inner)
        object = json_object_get(object, inner);
    if (value)
        json_object_set_new(object, name, value);
    else
        json_object_del(object, name);
    assert_refused(world, attestation, "request-malformed");
}

static void refuses_malformed_attestations(void **state)
{
    assert_malformed(*state, NULL, NULL, "runtime-data", NULL);
    assert_malformed(*state, NULL, NULL, "tee-evidence", json_array());
    assert_malformed(*state, NULL, NULL, "init-data", json_object());
    assert_malformed(*state, "runtime-data", NULL, "nonce", json_string("AAAA"));
    assert_malformed(*state, "runtime-data", NULL, "nonce", json_integer(1));
    assert_malformed(*state, "runtime-data", "tee-pubkey", "kty", json_string("RSA"));
    assert_malformed(*state, "runtime-data", "tee-pubkey", "crv", json_string("P-256"));
    assert_malformed(*state, "runtime-data", "tee-pubkey", "alg", NULL);
    assert_malformed(*state, "runtime-data", "tee-pubkey", "x", json_string("AAAA"));
    assert_malformed(*state, "tee-evidence", NULL, "additional_evidence", json_string("{}"));
    assert_malformed(*state, "tee-evidence", "primary_evidence", "snp-report", json_null());
    assert_malformed(*state, "tee-evidence", "primary_evidence", "snp-report", json_string("*"));
    assert_malformed(*state, "tee-evidence", "primary_evidence", "certs-buf", json_integer(0));
    assert_malformed(*state, "tee-evidence", "primary_evidence", "attestation_report",
                     json_object());
}

static void refuses_a_key_off_the_curve_at_the_latest_at_release(void **state)
{
    struct world *world = *state;
    struct snp_report report;
    json_t *reply;
    char code[64];

    authenticate(world);
    world->guest.point.y[65] ^= 1;
    report = guest_report(&world->guest, world->nonce_bytes, sizeof(world->nonce_bytes));
    assert_int_equal(
        post_attestation(world,
                         guest_attestation(&world->guest, world->nonce, &report, table, table_size),
                         code),
        200);
    assert_int_equal(request(world, "GET", RESOURCE, "", &reply), 401);
    assert_string_equal(json_string_value(json_object_get(reply, "detail")), "key-invalid");
    json_decref(reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(releases_the_secret_to_the_key_in_the_report),
        TEST(errors_look_like_trustees),
        TEST(greets_only_this_version_and_platform),
        TEST(refuses_without_a_cookie),
        TEST(a_nonce_serves_one_attestation_only),
        TEST(refuses_a_report_over_an_older_nonce),
        TEST(refuses_the_nonce_of_another_session),
        TEST(refuses_a_nonce_hashed_before_the_key),
        TEST(refuses_a_report_that_binds_another_key),
        TEST(expired_sessions_and_nonces_get_nothing),
        TEST(releases_nothing_for_what_is_not_or_no_longer_registered),
        TEST(refuses_emulated_platforms_by_default),
        TEST(uses_the_owners_certificates_when_the_client_has_none),
        TEST(refuses_malformed_attestations),
        TEST(refuses_a_key_off_the_curve_at_the_latest_at_release),
#undef TEST
    };

    return cmocka_run_group_tests(tests, make_world, remove_world);
}
