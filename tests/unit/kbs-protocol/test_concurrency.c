/* SPDX-License-Identifier: MIT */
/* Many clients at once, in all dialects: each gets its own secret, and nobody else's. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/kbs-protocol/client.h"
#include "tests/unit/registered.h"

#define THREADS 8
#define ROUNDS  6

static struct world *world;
static atomic_uint failures;

static int set_up(void **state)
{
    if (world_begin(state) != 0)
        return -1;
    world = *state;
    sessions_free(world->kbs.sessions);
    world->kbs.sessions = sessions_new(SESSIONS_MAX, world->store);
    return world->kbs.sessions ? 0 : -1;
}

/* cmocka's assertions are for its own thread: here, failures are counted. */
struct worker {
    struct client client;
    char path[64], secret[16];
    pthread_t thread;
};

static void get_own_secret(struct worker *worker)
{
    json_t *jwe;
    size_t size;
    char *secret;

    if (world_request(world, &worker->client.connection, "GET", worker->path, "", &jwe) != 200) {
        failures++;
        json_decref(jwe);
        return;
    }
    secret = client_open(&worker->client, jwe, &size);
    if (!secret || size != strlen(worker->secret) || memcmp(secret, worker->secret, size) != 0)
        failures++;
    free(secret);
    json_decref(jwe);
}

static json_t *body_of(struct worker *worker, unsigned round)
{
    if (worker->client.key.kind != JWK_P521)
        return client_coco_body(&worker->client, NULL, NULL);
    if (round % 2) {
        struct release_request request = {.op = RELEASE_OP_ACQUIRE};
        uint8_t challenge[RELEASE_CHALLENGE_MAX];
        size_t size = client_challenge(&worker->client, &request, challenge);

        return client_coconut_body(&worker->client, challenge, size, NULL);
    }
    return client_coconut(&worker->client);
}

static void *work(void *context)
{
    struct worker *worker = context;

    for (unsigned round = 0; round < ROUNDS; round++) {
        client_authenticate(&worker->client, world);
        if (client_attest(&worker->client, world, body_of(worker, round), NULL, NULL) != 200)
            failures++;
        else
            get_own_secret(worker);
    }
    return NULL;
}

TEST_FIXTURE(clients_at_once_get_their_own_secrets, set_up, world_end)
{
    static struct worker workers[THREADS];
    uint64_t before = world_audit_count(*state);

    failures = 0;
    for (int i = 0; i < THREADS; i++) {
        struct worker *worker = &workers[i];

        client_start(&worker->client, i % 2 ? CLIENT_P256 : CLIENT_P521);
        snprintf(worker->path, sizeof(worker->path), "/kbs/v0/resource/client/key/%d", i);
        snprintf(worker->secret, sizeof(worker->secret), "secret %d", i);
        world_put_secret(world, worker->path + strlen("/kbs/v0/resource/"), "default",
                         worker->secret, strlen(worker->secret));
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        client_stop(&workers[i].client);
    }
    assert_int_equal(failures, 0);
    assert_int_equal(world_audit_count(*state), before + 2 * THREADS * ROUNDS);
}

static void *post(void *context)
{
    const char *text = context;
    struct connection connection = {0};
    unsigned status;

    sscanf(text, "%63s", connection.cookie);
    status =
        world_request(world, &connection, "POST", "/kbs/v0/attest", strchr(text, ' ') + 1, NULL);
    return (void *)(uintptr_t)(status == 200);
}

TEST_FIXTURE(of_equal_attestations_at_once_one_is_accepted, set_up, world_end)
{
    struct client client;
    json_t *body;
    char *body_text, *text;
    pthread_t threads[THREADS];
    uintptr_t accepted = 0;

    client_start(&client, CLIENT_P521);
    client_authenticate(&client, *state);
    body = client_coconut(&client);
    body_text = json_dumps(body, JSON_COMPACT);
    text = malloc(strlen(client.connection.cookie) + strlen(body_text) + 2);
    sprintf(text, "%s %s", client.connection.cookie, body_text);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, post, text), 0);
    for (int i = 0; i < THREADS; i++) {
        void *result;

        pthread_join(threads[i], &result);
        accepted += (uintptr_t)result;
    }
    assert_int_equal(accepted, 1);
    free(text);
    free(body_text);
    json_decref(body);
    client_stop(&client);
}

TEST_GROUP(world_make_chip, world_free_chip)
