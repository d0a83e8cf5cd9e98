/* SPDX-License-Identifier: MIT */
/* The dialect of Trustee's clients. */
#include <stdlib.h>

#include <openssl/sha.h>

#include "kbs/protocol/snp_json.h"
#include "lib/jose/strict_json.h"
#include "tests/unit/kbs-protocol/client.h"
#include "tests/unit/registered.h"

#define SECRET_PATH "/kbs/v0/resource/tenant/key/one"

static const enum client_key kinds[] = {CLIENT_P256, CLIENT_P521, CLIENT_RSA};
static int set_up(void **state)
{
    client_start(&client, CLIENT_P256);
    if (world_begin(state) != 0)
        return -1;
    world_put_policy(*state, "tenant", "");
    world_put_secret(*state, "tenant/key/one", "tenant", "the secret", 10);
    return 0;
}

static unsigned attest(struct world *world)
{
    client_authenticate(&client, world);
    return client_attest(&client, world, client_coco_body(&client, NULL, NULL), NULL, NULL);
}

static void assert_gets_the_secret(struct world *world)
{
    size_t size;
    char *secret = client_get(&client, world, SECRET_PATH, &size, NULL);

    assert_non_null(secret);
    assert_int_equal(size, 10);
    assert_memory_equal(secret, "the secret", 10);
    free(secret);
}

TEST_FIXTURE(gives_secrets_to_keys_of_each_kind, set_up, client_end)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        client_stop(&client);
        client_start(&client, kinds[i]);
        assert_int_equal(attest(*state), 200);
        assert_gets_the_secret(*state);
        world_expect_audit(*state, "profile", "coco");
        world_expect_audit(*state, "policy", "tenant");
        world_expect_audit(*state, "resource", "tenant/key/one");
    }
}

TEST_FIXTURE(gives_large_secrets_too, set_up, client_end)
{
    static uint8_t large[65536];
    size_t size;
    char *secret;

    memset(large, 0xa5, sizeof(large));
    world_put_secret(*state, "tenant/key/one", "tenant", large, sizeof(large));
    client_stop(&client);
    client_start(&client, CLIENT_P521);
    assert_int_equal(attest(*state), 200);
    secret = client_get(&client, *state, SECRET_PATH, &size, NULL);
    assert_int_equal(size, sizeof(large));
    assert_memory_equal(secret, large, sizeof(large));
    free(secret);
}

TEST_FIXTURE(the_volumes_key_is_no_secret_by_path, set_up, client_end)
{
    size_t size;
    char code[64];

    assert_int_equal(attest(*state), 200);
    assert_null(client_get(&client, *state, VOLUME_PATH, &size, code));
    assert_string_equal(code, "resource-missing");
}

TEST_FIXTURE(each_secret_has_its_own_policy, set_up, client_end)
{
    struct world *world = *state;
    size_t size;
    char code[64];

    assert_int_equal(attest(world), 200);
    world_put_policy(world, "tenant", "images = [ \"another\" ];");
    assert_null(client_get(&client, world, SECRET_PATH, &size, code));
    assert_string_equal(code, "measurement-refused");
    world_put_policy(world, "tenant", "tcb = { milan = { snp = 200; }; };");
    assert_null(client_get(&client, world, SECRET_PATH, &size, code));
    assert_string_equal(code, "tcb-reported-snp");
    world_expect_audit(world, "event", "release");
    world_expect_audit(world, "result", "refused");
    world_put_policy(world, "tenant", "garbage");
    assert_null(client_get(&client, world, SECRET_PATH, &size, code));
    assert_string_equal(code, "policy-invalid");
    world_put_policy(world, "tenant", "");
    assert_gets_the_secret(world);
    world_retire_image(world, "image");
    assert_null(client_get(&client, world, SECRET_PATH, &size, code));
    assert_string_equal(code, "measurement-retired");
}

TEST_FIXTURE(the_policy_for_attestations_comes_first, set_up, client_end)
{
    struct world *world = *state;

    world_put_policy(world, "default", "images = [ \"another\" ];");
    client_authenticate(&client, world);
    client_expect_refusal(&client, world, client_coco_body(&client, NULL, NULL),
                          "measurement-refused");
}

static json_t *member(json_t *body, const char *outer, const char *inner)
{
    json_t *object = json_object_get(body, outer);

    return inner ? json_object_get(object, inner) : object;
}

/* The report of a body of this dialect, as base64 of its bytes. */
static json_t *report_bytes(json_t *body)
{
    struct snp_report report;

    assert_true(snp_json_report(
        json_object_get(member(body, "tee-evidence", "primary_evidence"), "attestation_report"),
        &report));
    return strict_json_encode(BASE64_STANDARD, &report, sizeof(report));
}

TEST_FIXTURE(the_report_may_come_as_its_bytes, set_up, client_end)
{
    struct world *world = *state;
    json_t *body;

    client_authenticate(&client, world);
    body = client_coco_body(&client, NULL, NULL);
    json_object_set_new(member(body, "tee-evidence", "primary_evidence"), "attestation_report",
                        report_bytes(body));
    assert_int_equal(client_attest(&client, world, body, NULL, NULL), 200);
    assert_gets_the_secret(world);
}

TEST_FIXTURE(a_recipe_serves_its_own_dialect_only, set_up, client_end)
{
    struct world *world = *state;
    json_t *coco, *coconut, *coconut_report;

    client_stop(&client);
    client_start(&client, CLIENT_P521);
    client_authenticate(&client, world);
    coco = client_coco_body(&client, NULL, NULL);
    coconut = client_coconut(&client);
    coconut_report = member(coconut, "tee-evidence", "primary_evidence");
    json_object_set(member(coco, "tee-evidence", "primary_evidence"), "attestation_report",
                    json_object_get(coconut_report, "snp-report"));
    json_decref(coconut);
    client_expect_refusal(&client, world, coco, "report-data");

    client_authenticate(&client, world);
    coco = client_coco_body(&client, NULL, NULL);
    coconut = client_coconut(&client);
    json_object_set_new(member(coconut, "tee-evidence", "primary_evidence"), "snp-report",
                        report_bytes(coco));
    json_decref(coco);
    client_expect_refusal(&client, world, coconut, "report-data");
}

TEST_FIXTURE(the_signed_form_is_not_for_this_dialect, set_up, client_end)
{
    struct world *world = *state;
    uint8_t challenge[RELEASE_CHALLENGE_MAX];
    struct release_request request = {.op = RELEASE_OP_ACQUIRE};
    json_t *body;
    size_t size;

    client_authenticate(&client, world);
    size = client_challenge(&client, &request, challenge);
    body = client_coco_body(&client, NULL, NULL);
    json_object_set_new(member(body, "runtime-data", NULL), "nonce",
                        strict_json_encode(BASE64_STANDARD, challenge, size));
    client_expect_refusal(&client, world, body, "nonce-mismatch");
}

TEST_FIXTURE(mixed_evidence_and_keys_are_refused, set_up, client_end)
{
    struct world *world = *state;
    json_t *body;

    client_authenticate(&client, world);
    body = client_coco_body(&client, NULL, NULL);
    json_object_set_new(member(body, "tee-evidence", "primary_evidence"), "snp-report",
                        json_string("AAAA"));
    client_expect_refusal(&client, world, body, "evidence-mixed");
    client_authenticate(&client, world);
    body = client_coco_body(&client, NULL, NULL);
    json_object_set_new(member(body, "runtime-data", "tee-pubkey"), "n", json_string("AAAA"));
    client_expect_refusal(&client, world, body, "key-mixed");
}

TEST_FIXTURE(refuses_a_key_off_the_curve, set_up, client_end)
{
    client_authenticate(&client, *state);
    client.key.second[31] ^= 1;
    client_expect_refusal(&client, *state, client_coco_body(&client, NULL, NULL), "key-invalid");
}

TEST_FIXTURE(rsa_with_the_old_padding_is_refused, set_up, client_end)
{
    struct world *world = *state;
    json_t *body;

    client_stop(&client);
    client_start(&client, CLIENT_RSA);
    client_authenticate(&client, world);
    body = client_coco_body(&client, NULL, NULL);
    json_object_set_new(member(body, "runtime-data", "tee-pubkey"), "alg", json_string("RSA1_5"));
    client_expect_refusal(&client, world, body, "key-unsupported");
}

TEST_FIXTURE(what_is_not_needed_is_passed_over, set_up, client_end)
{
    struct world *world = *state;
    json_t *body;

    client_authenticate(&client, world);
    body = client_coco_body(&client, NULL, NULL);
    json_object_set_new(body, "more", json_object());
    json_object_set_new(member(body, "runtime-data", NULL), "more", json_integer(1));
    json_object_set_new(member(body, "runtime-data", "tee-pubkey"), "kid", json_string("mine"));
    json_object_set_new(
        json_object_get(member(body, "tee-evidence", "primary_evidence"), "attestation_report"),
        "more", json_true());
    assert_int_equal(client_attest(&client, world, body, NULL, NULL), 200);
}

/* initdata */

static const char init_data[] = "version = \"0.1.0\"\nalgorithm = \"sha384\"\n[data]\n";

static void set_host_data(struct snp_report *report)
{
    uint8_t digest[SHA384_DIGEST_LENGTH];

    SHA384((const uint8_t *)init_data, strlen(init_data), digest);
    memcpy(report->host_data, digest, sizeof(report->host_data));
}

TEST_FIXTURE(initdata_must_be_what_host_data_is_the_digest_of, set_up, client_end)
{
    struct world *world = *state;

    client_authenticate(&client, world);
    assert_int_equal(client_attest(&client, world,
                                   client_coco_body(&client, init_data, set_host_data), NULL, NULL),
                     200);
    client_authenticate(&client, world);
    client_expect_refusal(&client, world, client_coco_body(&client, init_data, NULL),
                          "init-data-mismatch");
    client_authenticate(&client, world);
    client_expect_refusal(&client, world,
                          client_coco_body(&client, "algorithm = \"md5\"\n", set_host_data),
                          "init-data-unsupported");
}

TEST_FIXTURE(evidence_of_other_devices_is_refused, set_up, client_end)
{
    struct world *world = *state;
    json_t *body;

    client_authenticate(&client, world);
    body = client_coco_body(&client, NULL, NULL);
    json_object_set_new(member(body, "tee-evidence", NULL), "additional_evidence",
                        json_string("{\"nvidia\":{}}"));
    client_expect_refusal(&client, world, body, "additional-evidence-unsupported");
}

/* Each of these makes the request malformed. */
TEST_FIXTURE(a_report_that_is_not_whole_is_refused, set_up, client_end)
{
    static const char *const members[] = {
        "version",     "guest_svn",    "policy",      "vmpl",          "sig_algo",
        "plat_info",   "key_info",     "current_tcb", "reported_tcb",  "committed_tcb",
        "launch_tcb",  "current",      "committed",   "family_id",     "image_id",
        "report_data", "measurement",  "host_data",   "id_key_digest", "author_key_digest",
        "report_id",   "report_id_ma", "chip_id",     "signature",
    };
    struct world *world = *state;

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        json_t *body, *report;

        client_authenticate(&client, world);
        body = client_coco_body(&client, NULL, NULL);
        report =
            json_object_get(member(body, "tee-evidence", "primary_evidence"), "attestation_report");
        if (i % 2)
            json_object_del(report, members[i]);
        else
            json_object_set_new(report, members[i], json_integer(-1));
        client_expect_refusal(&client, world, body, "request-malformed");
    }
}

TEST_FIXTURE(certificates_that_are_none_or_twice_are_refused, set_up, client_end)
{
    struct world *world = *state;

    for (int i = 0; i < 3; i++) {
        json_t *body, *chain;

        client_authenticate(&client, world);
        body = client_coco_body(&client, NULL, NULL);
        chain = json_object_get(member(body, "tee-evidence", "primary_evidence"), "cert_chain");
        if (i == 0)
            json_array_append(chain, json_array_get(chain, 0));
        else if (i == 1)
            json_array_append_new(chain, json_pack("{s:s, s:[i]}", "cert_type", "ARK", "data", 1));
        else
            json_array_append_new(chain, json_null());
        client_expect_refusal(&client, world, body, "request-malformed");
    }
}

TEST_FIXTURE(certificates_of_other_kinds_are_passed_over, set_up, client_end)
{
    struct world *world = *state;
    json_t *body, *chain;

    client_authenticate(&client, world);
    body = client_coco_body(&client, NULL, NULL);
    chain = json_object_get(member(body, "tee-evidence", "primary_evidence"), "cert_chain");
    json_array_append_new(chain,
                          json_pack("{s:{s:s}, s:[i]}", "cert_type", "OTHER", "uuid", "data", 1));
    json_array_append_new(chain, json_pack("{s:s, s:[]}", "cert_type", "Empty", "data"));
    assert_int_equal(client_attest(&client, world, body, NULL, NULL), 200);
}

TEST_GROUP(world_make_chip, world_free_chip)
