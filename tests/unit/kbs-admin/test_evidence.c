/* SPDX-License-Identifier: MIT */
/* The KBS's signed statement of a volume's current epoch. */
#include <string.h>

#include <openssl/evp.h>

#include "kbs/keys/keyring.h"
#include "kbs/protocol/ear_token.h"
#include "kbs/store/leases.h"
#include "lib/base/hex.h"
#include "lib/jose/jwt.h"
#include "tests/unit/kbs-admin/asking.h"
#include "tests/unit/registered.h"

#define PATH  "/admin/v1/volumes/web/evidence"
#define EPOCH 1790000000123

static struct volume volume;

static void change_record(void alter(struct lease_record *record))
{
    struct store_unit *unit;
    struct lease_policy policy;
    struct lease_record record;

    assert_int_equal(store_begin(admin.kbs.store, &unit), STORE_OK);
    assert_int_equal(volume_by_name(unit, "web", &volume), STORE_OK);
    assert_int_equal(lease_load(unit, &volume, &policy, &record), STORE_OK);
    alter(&record);
    assert_int_equal(lease_save(unit, volume.id, &record), STORE_OK);
    assert_int_equal(store_commit(unit), STORE_OK);
}

static void grant(struct lease_record *record)
{
    record->epoch = EPOCH;
    record->generation = 2;
    record->phase = LEASE_ACTIVE;
    record->granted = record->renewed = ASKING_NOW;
    memset(record->holder, 0x5a, sizeof(record->holder));
    record->has_ek_digest = true;
    memset(record->ek_digest, 0xec, sizeof(record->ek_digest));
}

static void grant_again(struct lease_record *record)
{
    record->epoch++;
    record->has_ek_digest = false;
}

static int set_up(void **state)
{
    if (admin_begin_filled(state) != 0)
        return -1;
    ask_json(&admin, 200, admin.owner, "POST", "/admin/v1/volumes/web/lease",
             "{\"mode\":\"classed\"}");
    change_record(grant);
    return 0;
}

static EVP_PKEY *find_key(void *context, const char *kid)
{
    uint8_t id[SIGNING_KEY_ID_SIZE];

    (void)context;
    return hex_bytes(kid, id, sizeof(id)) ? keyring_find(admin.kbs.keyring, SIGNING_KEY_TOKEN, id)
                                          : NULL;
}

/* The claims of the statement in an answer, once it was verified; the caller releases them. */
static json_t *verified(const json_t *reply)
{
    const char *statement = text_of(reply, "statement");
    json_t *claims;

    assert_int_equal(jwt_verify(statement, strlen(statement), find_key, NULL, &claims), JWT_OK);
    assert_true(json_equal(claims, json_object_get(reply, "claims")));
    return claims;
}

static json_int_t number_of(const json_t *object, const char *member)
{
    assert_true(json_is_integer(json_object_get(object, member)));
    return json_integer_value(json_object_get(object, member));
}

TEST_FIXTURE(it_says_epoch_generation_holder_and_endorsement_key, set_up, admin_end)
{
    json_t *claims = verified(
        ask_json(&admin, 200, admin.owner, "POST", PATH, "{\"nonce\":\"a-nonce-of-mine\"}"));
    const json_t *said = json_object_get(claims, "volume");

    assert_string_equal(text_of(claims, "iss"), "snp-vtpm-kbs");
    assert_string_equal(text_of(claims, "statement"), "volume-epoch");
    assert_string_equal(text_of(claims, "eat_nonce"), "a-nonce-of-mine");
    assert_int_equal(number_of(claims, "iat"), ASKING_NOW);
    assert_string_equal(text_of(said, "id"), "a0a0a0a0-a0a0-a0a0-a0a0-a0a0a0a0a0a0");
    assert_string_equal(text_of(said, "name"), "web");
    assert_int_equal(number_of(said, "epoch"), EPOCH);
    assert_int_equal(number_of(said, "generation"), 2);
    assert_string_equal(text_of(said, "lease"), "active");
    assert_memory_equal(text_of(said, "holder"), "5a5a5a5a", 8);
    assert_memory_equal(text_of(said, "ek_digest"), "ecececec", 8);
    assert_true(json_is_false(json_object_get(said, "frozen")));
    assert_true(json_is_false(json_object_get(said, "retired")));
    json_decref(claims);
}

TEST_FIXTURE(it_follows_the_record, set_up, admin_end)
{
    json_t *claims;

    change_record(grant_again);
    ask_json(&admin, 200, admin.owner, "POST", "/admin/v1/volumes/web/freeze", "{}");
    claims = verified(ask_json(&admin, 200, admin.owner, "POST", PATH, "{}"));
    assert_null(json_object_get(claims, "eat_nonce"));
    assert_int_equal(number_of(json_object_get(claims, "volume"), "epoch"), EPOCH + 1);
    assert_int_equal(number_of(json_object_get(claims, "volume"), "generation"), 3);
    assert_true(json_is_null(json_object_get(json_object_get(claims, "volume"), "ek_digest")));
    assert_true(json_is_true(json_object_get(json_object_get(claims, "volume"), "frozen")));
    json_decref(claims);
    ask_json(&admin, 200, admin.owner, "POST", "/admin/v1/volumes/web/retire", "{}");
}

TEST_FIXTURE(auditors_may_ask_and_each_time_is_in_the_log, set_up, admin_end)
{
    json_t *line;

    ask_json(&admin, 200, admin.auditor, "POST", PATH, "{\"nonce\":\"12345678\"}");
    line = last_audit_line(&admin);
    assert_string_equal(text_of(line, "op"), "volume-evidence");
    assert_string_equal(text_of(line, "object"), "web");
    assert_string_equal(text_of(line, "actor"), "auditor");
    assert_string_equal(text_of(line, "result"), "done");
    assert_string_equal(text_of(line, "detail"), "epoch 1790000000123, nonce 12345678");
    json_decref(line);
    assert_refused(&admin, &(struct asked){.method = "POST", .path = PATH, .body = "{}"}, 401,
                   "token-missing");
}

TEST_FIXTURE(nonces_that_are_none_are_refused, set_up, admin_end)
{
    static const char too_long[] =
        "{\"nonce\":\"0123456789012345678901234567890123456789012345678901234567890123456789"
        "0123456789012345678\"}";
    static const char *const bodies[] = {
        "{\"nonce\":\"1234567\"}",         "{\"nonce\":\"\"}",
        "{\"nonce\":\"1234 5678\"}",       "{\"nonce\":\"1234\\n5678\"}",
        "{\"nonce\":\"1234\\u00e45678\"}", too_long};

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        assert_refused(&admin,
                       &(struct asked){
                           .method = "POST", .path = PATH, .token = admin.owner, .body = bodies[i]},
                       400, "nonce-invalid");
    assert_refused(
        &admin,
        &(struct asked){
            .method = "POST", .path = PATH, .token = admin.owner, .body = "{\"nonce\":8}"},
        400, "body-invalid");
}

TEST_FIXTURE(volumes_without_leases_have_no_epoch, set_up, admin_end)
{
    assert_refused(&admin,
                   &(struct asked){.method = "POST",
                                   .path = "/admin/v1/volumes/database/evidence",
                                   .token = admin.owner,
                                   .body = "{}"},
                   409, "lease-none");
    assert_refused(&admin,
                   &(struct asked){.method = "POST",
                                   .path = "/admin/v1/volumes/nothing/evidence",
                                   .token = admin.owner,
                                   .body = "{}"},
                   404, "not-found");
}

TEST_FIXTURE(without_a_key_that_signs_tokens_there_is_no_statement, set_up, admin_end)
{
    uint8_t id[SIGNING_KEY_ID_SIZE];
    EVP_PKEY *key = keyring_active(admin.kbs.keyring, SIGNING_KEY_TOKEN, id);
    struct store_unit *unit;

    EVP_PKEY_free(key);
    assert_int_equal(store_begin(admin.kbs.store, &unit), STORE_OK);
    assert_int_equal(signing_key_retire(unit, id, ASKING_NOW), STORE_OK);
    assert_int_equal(store_commit(unit), STORE_OK);
    keyring_invalidate(admin.kbs.keyring);
    assert_refused(
        &admin, &(struct asked){.method = "POST", .path = PATH, .token = admin.owner, .body = "{}"},
        409, "key-none");
}

/* It is signed by the key of tokens, and is none. */
TEST_FIXTURE(it_gets_no_secret_as_a_token_does, set_up, admin_end)
{
    json_t *reply = ask_json(&admin, 200, admin.owner, "POST", PATH, "{}");
    struct grant grant;

    assert_int_not_equal(
        ear_token_check(&admin.kbs, text_of(reply, "statement"), ASKING_NOW, &grant), REFUSAL_NONE);
    grant_free(&grant);
}
