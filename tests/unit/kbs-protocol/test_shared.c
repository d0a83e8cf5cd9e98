/* SPDX-License-Identifier: MIT */
/* Two servers on one PostgreSQL store, between which a load balancer sends requests as it likes. */
#include <stdlib.h>

#include "kbs/audit/audit.h"
#include "kbs/protocol/policy_cache.h"
#include "tests/unit/kbs-protocol/client.h"
#include "tests/unit/kbs-store/fixture.h"
#include "tests/unit/registered.h"

static struct world other; /* the second server; it has the first one's chip and time */

static int set_up(void **state)
{
    enum store_status status;
    struct world *world;

    if (client_begin(state) != 0)
        return -1;
    world = *state;
    other = *world;
    assert_int_equal(store_open(world->url, false, &world->master, &other.store), STORE_OK);
    other.kbs.store = other.store;
    other.kbs.audit = audit_start(other.store, false);
    other.kbs.keyring = keyring_open(other.store, &status);
    other.kbs.sessions = sessions_new(8, other.store);
    other.kbs.policies = policy_cache_new();
    return 0;
}

static int tear_down(void **state)
{
    audit_stop(other.kbs.audit);
    keyring_close(other.kbs.keyring);
    sessions_free(other.kbs.sessions);
    policy_cache_free(other.kbs.policies);
    store_close(other.store);
    return client_end(state);
}

TEST_FIXTURE(a_session_goes_on_at_another_server, set_up, tear_down)
{
    struct world *world = *state;
    size_t size;
    char *key;

    client_authenticate(&client, world);
    assert_int_equal(client_attest(&client, &other, client_coconut(&client), NULL, NULL), 200);
    key = client_get(&client, world, VOLUME_PATH, &size, NULL);
    assert_int_equal(size, STATE_KEY_SIZE);
    assert_memory_equal(key, world->volume_key, STATE_KEY_SIZE);
    free(key);
}

TEST_FIXTURE(a_nonce_serves_at_one_of_them_only, set_up, tear_down)
{
    struct world *world = *state;
    char code[64];

    client_authenticate(&client, world);
    assert_int_equal(client_attest(&client, world, client_coconut(&client), NULL, NULL), 200);
    assert_int_equal(client_attest(&client, &other, client_coconut(&client), code, NULL), 401);
    assert_string_equal(code, "nonce-spent");
}

TEST_FIXTURE(the_signed_reply_is_the_same_at_both, set_up, tear_down)
{
    struct release_request request = {.op = RELEASE_OP_ACQUIRE};
    uint8_t challenge[RELEASE_CHALLENGE_MAX];
    struct world *world = *state;
    json_t *one, *two;
    size_t size;

    client_authenticate(&client, world);
    size = client_challenge(&client, &request, challenge);
    assert_int_equal(client_attest(&client, world,
                                   client_coconut_body(&client, challenge, size, NULL), NULL, NULL),
                     200);
    assert_int_equal(world_request(world, &client.connection, "GET", VOLUME_PATH, "", &one), 200);
    assert_int_equal(world_request(&other, &client.connection, "GET", VOLUME_PATH, "", &two), 200);
    assert_true(json_equal(one, two));
    json_decref(one);
    json_decref(two);
}

TEST_FIXTURE(a_token_of_one_is_good_at_the_other, set_up, tear_down)
{
    struct world *world = *state;
    char *token, *secret, bearer[20000] = "Bearer ";
    size_t size;

    world_put_secret(world, "a/b/c", "default", "a secret", 8);
    client_authenticate(&client, world);
    assert_int_equal(client_attest(&client, world, client_coconut(&client), NULL, &token), 200);
    client.connection.cookie[0] = '\0';
    client.connection.bearer = strdup(strcat(bearer, token));
    secret = client_get(&client, &other, "/kbs/v0/resource/a/b/c", &size, NULL);
    assert_int_equal(size, 8);
    assert_memory_equal(secret, "a secret", 8);
    free(secret);
    free(token);
}

TEST_FIXTURE(what_is_retired_at_one_is_not_released_by_the_other, set_up, tear_down)
{
    struct world *world = *state;
    char code[64];
    size_t size;

    client_authenticate(&client, world);
    assert_int_equal(client_attest(&client, &other, client_coconut(&client), NULL, NULL), 200);
    world_retire_volume(world, "volume");
    assert_null(client_get(&client, &other, VOLUME_PATH, &size, code));
    assert_string_equal(code, "volume-changed");
}

TEST_GROUP(world_make_chip, world_free_chip)
