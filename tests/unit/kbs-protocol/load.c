/* SPDX-License-Identifier: MIT */
/*
 * How many attestations a second one core answers (from /auth to the resource), beside what the
 * public-key operations in them allow. No test: run it by hand, on a machine that is idle.
 *
 * CPU time of the whole process is counted while it answers; the clients' own work (keys, reports)
 * is done before.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "kbs/protocol/protocol.h"
#include "tests/unit/kbs-protocol/client.h"

static double seconds(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The primitives */

static double signature_cost(bool verify, unsigned rounds)
{
    EVP_PKEY *key = EVP_EC_gen("P-384");
    EVP_MD_CTX *sign = EVP_MD_CTX_new(), *check;
    uint8_t message[REPORT_SIGNED_SIZE] = {0}, signature[128];
    size_t size = sizeof(signature);
    double start;

    EVP_DigestSignInit(sign, NULL, EVP_sha384(), NULL, key);
    EVP_DigestSign(sign, signature, &size, message, sizeof(message));
    start = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (unsigned i = 0; i < rounds; i++) {
        uint8_t again[128];
        size_t again_size = sizeof(again);

        check = EVP_MD_CTX_new();
        if (verify) {
            EVP_DigestVerifyInit(check, NULL, EVP_sha384(), NULL, key);
            EVP_DigestVerify(check, signature, size, message, sizeof(message));
        } else {
            EVP_DigestSignInit(check, NULL, EVP_sha384(), NULL, key);
            EVP_DigestSign(check, again, &again_size, message, sizeof(message));
        }
        EVP_MD_CTX_free(check);
    }
    start = seconds(CLOCK_PROCESS_CPUTIME_ID) - start;
    EVP_MD_CTX_free(sign);
    EVP_PKEY_free(key);
    return start / rounds;
}

static double p521_cost(bool derive, unsigned rounds)
{
    EVP_PKEY *own = EVP_EC_gen("P-521"), *peer = EVP_EC_gen("P-521");
    double start = seconds(CLOCK_PROCESS_CPUTIME_ID);

    for (unsigned i = 0; i < rounds; i++) {
        if (derive) {
            EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
            uint8_t z[66];
            size_t size = sizeof(z);

            EVP_PKEY_derive_init(ctx);
            EVP_PKEY_derive_set_peer_ex(ctx, peer, 0);
            EVP_PKEY_derive(ctx, z, &size);
            EVP_PKEY_CTX_free(ctx);
        } else {
            EVP_PKEY_free(EVP_EC_gen("P-521"));
        }
    }
    start = seconds(CLOCK_PROCESS_CPUTIME_ID) - start;
    EVP_PKEY_free(own);
    EVP_PKEY_free(peer);
    return start / rounds;
}

/* The server */

#define CLIENTS     16 /* at once */
#define BATCH       32 /* attestations of each, prepared before the clock starts */
#define SECRET_PATH "/kbs/v0/resource/tenant/key/one"

struct visitor {
    struct world *world;
    enum dialect dialect;
    struct client client;
    char cookies[BATCH][64];
    char *bodies[BATCH];
    pthread_t thread;
};

static json_t *body_of(const struct client *client, enum dialect dialect)
{
    struct release_request request = {.op = RELEASE_OP_ACQUIRE};
    uint8_t challenge[RELEASE_CHALLENGE_MAX];
    size_t size;

    if (dialect == DIALECT_COCO)
        return client_coco_body(client, NULL, NULL);
    if (dialect == DIALECT_COCONUT)
        return client_coconut(client);
    size = client_challenge(client, &request, challenge);
    return client_coconut_body(client, challenge, size, NULL);
}

/* Opens the sessions; tells the CPU time that this took. */
static double prepare(struct visitor *visitor)
{
    double cpu = 0;

    for (int i = 0; i < BATCH; i++) {
        double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
        json_t *body;

        client_authenticate(&visitor->client, visitor->world);
        cpu += seconds(CLOCK_PROCESS_CPUTIME_ID) - start;
        strcpy(visitor->cookies[i], visitor->client.connection.cookie);
        body = body_of(&visitor->client, visitor->dialect);
        visitor->bodies[i] = json_dumps(body, JSON_COMPACT);
        json_decref(body);
    }
    return cpu;
}

static void *visit(void *context)
{
    struct visitor *visitor = context;
    const char *path = visitor->dialect == DIALECT_COCO ? SECRET_PATH : VOLUME_PATH;

    for (int i = 0; i < BATCH; i++) {
        struct connection connection = {.bearer = NULL};

        strcpy(connection.cookie, visitor->cookies[i]);
        if (world_request(visitor->world, &connection, "POST", "/kbs/v0/attest", visitor->bodies[i],
                          NULL) != 200 ||
            world_request(visitor->world, &connection, "GET", path, "", NULL) != 200)
            abort();
        free(visitor->bodies[i]);
    }
    return NULL;
}

/* primitives 0: only to warm up. */
static void measure(struct world *world, enum dialect dialect, enum client_key kind,
                    double primitives)
{
    static struct visitor visitors[CLIENTS];
    double count = CLIENTS * BATCH;
    double cpu = 0, wall;

    sessions_free(world->kbs.sessions);
    world->kbs.sessions = sessions_new(SESSIONS_MAX, world->store);
    for (int i = 0; i < CLIENTS; i++) {
        visitors[i] = (struct visitor){.world = world, .dialect = dialect};
        client_start(&visitors[i].client, kind);
        cpu += prepare(&visitors[i]);
    }
    cpu -= seconds(CLOCK_PROCESS_CPUTIME_ID);
    wall = -seconds(CLOCK_MONOTONIC);
    for (int i = 0; i < CLIENTS; i++)
        if (pthread_create(&visitors[i].thread, NULL, visit, &visitors[i]) != 0)
            abort();
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(visitors[i].thread, NULL);
    cpu += seconds(CLOCK_PROCESS_CPUTIME_ID);
    wall += seconds(CLOCK_MONOTONIC);
    if (primitives > 0)
        printf("%-12s %5.0f us of CPU: %5.0f/s a core, %5.0f/s allowed: %3.0f %%; %5.0f/s by the "
               "clock\n",
               dialect_name(dialect), 1e6 * cpu / count, count / cpu, 1 / primitives,
               100 * primitives * count / cpu, count / wall);
    for (int i = 0; i < CLIENTS; i++)
        client_stop(&visitors[i].client);
}

int main(void)
{
    double verify = signature_cost(true, 500), sign = signature_cost(false, 500);
    double generate = p521_cost(false, 500), derive = p521_cost(true, 500);
    void *state;
    struct world *world;

    if (world_make_chip(&state) != 0 || world_begin(&state) != 0)
        return 1;
    world = state;
    world_put_secret(world, "tenant/key/one", "default", "the secret", 10);
    printf("P-384 verify %.0f us, sign %.0f us; P-521 generate %.0f us, derive %.0f us\n",
           1e6 * verify, 1e6 * sign, 1e6 * generate, 1e6 * derive);
    measure(world, DIALECT_COCONUT, CLIENT_P521, 0);
    measure(world, DIALECT_COCONUT, CLIENT_P521, verify + generate + derive);
    measure(world, DIALECT_SIGNED, CLIENT_P521, verify + generate + derive + sign);
    measure(world, DIALECT_COCO, CLIENT_P521, verify + generate + derive);
    world_end(&state);
    return world_free_chip(&state);
}
