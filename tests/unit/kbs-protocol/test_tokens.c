/* SPDX-License-Identifier: MIT */
/* Attestation tokens: what they say, who verifies them, what they get. */
#include <stdio.h>
#include <stdlib.h>

#include <jose/jws.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "lib/base/hex.h"
#include "lib/jose/jwt.h"
#include "lib/jose/strict_json.h"
#include "tests/unit/kbs-protocol/client.h"
#include "tests/unit/registered.h"

#define SECRET_PATH "/kbs/v0/resource/tenant/key/one"

static int set_up(void **state)
{
    client_start(&client, CLIENT_P256);
    if (world_begin(state) != 0)
        return -1;
    world_put_secret(*state, "tenant/key/one", "default", "the secret", 10);
    return 0;
}

/* Attests and leaves only the token to go by. Not inlined: gcc 12 would take pointers into the text
 * for pointers to the variable. */
__attribute__((noinline)) static char *get_token(struct world *world)
{
    char *token;

    client_authenticate(&client, world);
    assert_int_equal(
        client_attest(&client, world, client_coco_body(&client, NULL, NULL), NULL, &token), 200);
    client.connection.cookie[0] = '\0';
    return token;
}

static void present(const char *token)
{
    free(client.connection.bearer);
    client.connection.bearer = malloc(strlen(token) + sizeof("Bearer "));
    strcpy(client.connection.bearer, "Bearer ");
    strcat(client.connection.bearer, token);
}

static void assert_gets_the_secret(struct world *world)
{
    size_t size;
    char *secret = client_get(&client, world, SECRET_PATH, &size, NULL);

    assert_non_null(secret);
    assert_memory_equal(secret, "the secret", 10);
    free(secret);
}

static void assert_gets_nothing(struct world *world, const char *code)
{
    size_t size;
    char found[64];

    assert_null(client_get(&client, world, SECRET_PATH, &size, found));
    assert_string_equal(found, code);
}

/* The decoded header (0) or claims (1). */
static json_t *part_of(const char *token, int part)
{
    const char *start = part ? strchr(token, '.') + 1 : token;
    size_t length = (size_t)(strchr(start, '.') - start), size;
    char *text = malloc(length);
    json_t *json;

    assert_true(base64_decode(BASE64_URL, start, length, text, length, &size));
    json = json_loadb(text, size, 0, NULL);
    free(text);
    return json;
}

TEST_FIXTURE(a_token_gets_secrets_without_a_session, set_up, client_end)
{
    char *token = get_token(*state);

    assert_gets_nothing(*state, "not-attested");
    present(token);
    assert_gets_the_secret(*state);
    world_expect_audit(*state, "event", "release");
    world_expect_audit(*state, "result", "released");
    world_expect_audit(*state, "profile", "coco");
    free(token);
}

TEST_FIXTURE(the_key_set_verifies_it, set_up, client_end)
{
    struct world *world = *state;
    char *token = get_token(world), *claims = strchr(token, '.'), *signature = strrchr(token, '.');
    json_t *set, *header = part_of(token, 0), *jws;

    assert_int_equal(
        world_request(world, &client.connection, "GET", "/.well-known/jwks.json", "", &set), 200);
    assert_int_equal(json_array_size(json_object_get(set, "keys")), 1);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(json_object_get(set, "keys"), 0), "kid")),
        json_string_value(json_object_get(header, "kid")));
    assert_string_equal(json_string_value(json_object_get(header, "alg")), "ES256");
    assert_string_equal(json_string_value(json_object_get(json_object_get(header, "jwk"), "alg")),
                        "ES256");
    *claims++ = *signature++ = '\0';
    jws =
        json_pack("{s:s, s:s, s:s}", "protected", token, "payload", claims, "signature", signature);
    assert_true(
        jose_jws_ver(NULL, jws, NULL, json_array_get(json_object_get(set, "keys"), 0), false));
    json_decref(jws);
    json_decref(set);
    json_decref(header);
    free(token);
}

TEST_FIXTURE(it_is_shaped_as_trustees, set_up, client_end)
{
    struct world *world = *state;
    char *token = get_token(world);
    json_t *claims = part_of(token, 1), *cpu, *evidence;

    assert_true(strict_json_is(json_object_get(claims, "eat_profile"),
                               "tag:github.com,2024:confidential-containers/Trustee"));
    assert_int_equal(json_integer_value(json_object_get(claims, "iat")), world->now);
    assert_int_equal(json_integer_value(json_object_get(claims, "exp")), world->now + 300);
    cpu = json_object_get(json_object_get(claims, "submods"), "cpu0");
    assert_true(strict_json_is(json_object_get(cpu, "ear.appraisal-policy-id"), "default"));
    evidence = json_object_get(cpu, "ear.veraison.annotated-evidence");
    assert_true(
        strict_json_is(json_object_get(json_object_get(evidence, "runtime_data_claims"), "nonce"),
                       client.nonce_text));
    json_decref(claims);
    free(token);
}

TEST_FIXTURE(an_emulated_chip_is_never_affirmed, set_up, client_end)
{
    char *token = get_token(*state);
    json_t *claims = part_of(token, 1);
    const json_t *cpu = json_object_get(json_object_get(claims, "submods"), "cpu0");
    const json_t *evidence = json_object_get(cpu, "ear.veraison.annotated-evidence");
    const json_t *vector = json_object_get(cpu, "ear.trustworthiness-vector");

    assert_true(strict_json_is(json_object_get(cpu, "ear.status"), "contraindicated"));
    assert_int_equal(json_integer_value(json_object_get(vector, "hardware")), 97);
    assert_null(json_object_get(evidence, "snp"));
    assert_non_null(json_object_get(evidence, "snp-emulated"));
    json_decref(claims);
    free(token);
}

TEST_FIXTURE(it_is_over_after_its_time, set_up, client_end)
{
    struct world *world = *state;
    char *token = get_token(world);

    present(token);
    world->now += 299;
    assert_gets_the_secret(world);
    world->now += 1;
    assert_gets_nothing(world, "token-expired");
    world->now -= 1000; /* from the future */
    assert_gets_nothing(world, "token-expired");
    free(token);
}

TEST_FIXTURE(it_is_over_when_its_key_is_retired, set_up, client_end)
{
    struct world *world = *state;
    uint8_t newer[SIGNING_KEY_ID_SIZE];
    char *token = get_token(world);

    present(token);
    world->now++;
    world_replace_key(world, SIGNING_KEY_TOKEN, newer);
    assert_gets_the_secret(world); /* the older key may still verify */
    world_retire_key(world, world->token_kid);
    assert_gets_nothing(world, "token-key-unknown");
    free(token);
}

TEST_FIXTURE(an_altered_token_gets_nothing, set_up, client_end)
{
    struct world *world = *state;
    char *token = get_token(world), *dot = strchr(token, '.');

    dot[20] = dot[20] == 'A' ? 'B' : 'A';
    present(token);
    assert_gets_nothing(world, "token-forged");
    free(token);
}

/* A token with these claims, signed by key in the name of kid. */
static char *sign(EVP_PKEY *key, const uint8_t kid[SIGNING_KEY_ID_SIZE], const json_t *claims)
{
    char text[2 * SIGNING_KEY_ID_SIZE + 1];

    return jwt_sign(key, hex_text(kid, SIGNING_KEY_ID_SIZE, text), claims);
}

TEST_FIXTURE(a_token_of_other_keys_or_algorithms_gets_nothing, set_up, client_end)
{
    struct world *world = *state;
    EVP_PKEY *thief = EVP_EC_gen("P-256");
    char *token = get_token(world), *forged, none[JWT_MAX + 16];
    json_t *claims = part_of(token, 1);
    size_t length;

    forged = sign(thief, world->token_kid, claims);
    present(forged);
    assert_gets_nothing(world, "token-forged");
    free(forged);
    forged = sign(thief, world->release_kid, claims); /* signs records, not tokens */
    present(forged);
    assert_gets_nothing(world, "token-key-unknown");
    length = base64_encode(BASE64_URL, "{\"alg\":\"none\"}", 14, none);
    snprintf(none + length, sizeof(none) - length, "%.*s.",
             (int)(strrchr(token, '.') - strchr(token, '.')), strchr(token, '.'));
    present(none);
    assert_gets_nothing(world, "token-algorithm");
    present("");
    assert_gets_nothing(world, "token-malformed");
    free(forged);
    free(token);
    json_decref(claims);
    EVP_PKEY_free(thief);
}

TEST_FIXTURE(our_key_vouches_for_our_claims_only, set_up, client_end)
{
    struct world *world = *state;
    EVP_PKEY *key = keyring_find(world->kbs.keyring, SIGNING_KEY_TOKEN, world->token_kid);
    char *token = get_token(world), *again;
    json_t *claims = part_of(token, 1);

    json_object_set_new(claims, "iss", json_string("somebody"));
    again = sign(key, world->token_kid, claims);
    present(again);
    assert_gets_nothing(world, "token-issuer");
    free(again);
    json_object_set_new(claims, "iss", json_string("snp-vtpm-kbs"));
    json_object_del(claims, "snp-vtpm");
    again = sign(key, world->token_kid, claims);
    present(again);
    assert_gets_nothing(world, "token-malformed");
    free(again);
    free(token);
    json_decref(claims);
    EVP_PKEY_free(key);
}

TEST_FIXTURE(the_secret_goes_to_the_key_in_the_token, set_up, client_end)
{
    struct world *world = *state;
    struct client thief;
    char *token = get_token(world);
    json_t *jwe;
    size_t size;

    present(token);
    assert_int_equal(world_request(world, &client.connection, "GET", SECRET_PATH, "", &jwe), 200);
    client_start(&thief, CLIENT_P256);
    assert_null(client_open(&thief, jwe, &size));
    client_stop(&thief);
    json_decref(jwe);
    free(token);
}

TEST_FIXTURE(a_token_is_appraised_again_and_again, set_up, client_end)
{
    struct world *world = *state;
    char *token = get_token(world);

    present(token);
    world_put_policy(world, "default", "images = [ \"another\" ];");
    assert_gets_nothing(world, "measurement-refused");
    free(token);
}

TEST_FIXTURE(revocation_is_not_taken_on_trust, set_up, client_end)
{
    struct world *world = *state;
    EVP_PKEY *key = keyring_find(world->kbs.keyring, SIGNING_KEY_TOKEN, world->token_kid);
    char *token = get_token(world), *again;
    json_t *claims = part_of(token, 1);

    json_object_set_new(json_object_get(claims, "snp-vtpm"), "crl_checked", json_false());
    again = sign(key, world->token_kid, claims);
    present(again);
    assert_gets_nothing(world, "crl-not-checked");
    world_put_policy(world, "default", "crl = \"off\";");
    assert_gets_the_secret(world);
    free(again);
    free(token);
    json_decref(claims);
    EVP_PKEY_free(key);
}

TEST_FIXTURE(coconuts_dialect_gets_a_token_too, set_up, client_end)
{
    struct world *world = *state;
    char *token;

    client_stop(&client);
    client_start(&client, CLIENT_P521);
    client_authenticate(&client, world);
    assert_int_equal(client_attest(&client, world, client_coconut(&client), NULL, &token), 200);
    client.connection.cookie[0] = '\0';
    present(token);
    assert_gets_the_secret(world);
    free(token);
}

TEST_FIXTURE(a_token_does_not_get_a_volumes_key, set_up, client_end)
{
    struct world *world = *state;
    char *token, code[64];
    size_t size;

    client_stop(&client);
    client_start(&client, CLIENT_P521);
    client_authenticate(&client, world);
    assert_int_equal(client_attest(&client, world, client_coconut(&client), NULL, &token), 200);
    client.connection.cookie[0] = '\0';
    present(token);
    assert_null(client_get(&client, world, VOLUME_PATH, &size, code));
    assert_string_equal(code, "resource-missing");
    free(token);
}

TEST_GROUP(world_make_chip, world_free_chip)
