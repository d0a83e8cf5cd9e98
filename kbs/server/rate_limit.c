/* SPDX-License-Identifier: MIT */
#include "kbs/server/rate_limit.h"

#include <pthread.h>
#include <stdlib.h>

#include <openssl/rand.h>

#define TOKEN  1000       /* a token in the unit of levels, so that one a second is one a ms */
#define NOBODY UINT32_MAX /* no index */

/* Its level rises with time up to the burst; below zero is what is owed. */
struct bucket {
    int64_t level;
    uint64_t updated_ms;
};

struct client {
    uint64_t key;
    struct bucket bucket;
    uint32_t chained;      /* the next in the same slot */
    uint32_t newer, older; /* neighbours in the order of use */
};

struct rate_limit {
    pthread_mutex_t mutex;
    struct rate each, all;
    struct bucket bucket_of_all;
    uint64_t multiplier; /* random and odd: nobody outside can aim at one slot */
    size_t capacity, count;
    uint32_t newest, oldest;
    uint32_t *slots; /* capacity of them */
    struct client *clients;
};

struct rate_limit *rate_limit_new(struct rate each, struct rate all, size_t clients)
{
    struct rate_limit *limit = calloc(1, sizeof(*limit));

    if (!limit)
        return NULL;
    pthread_mutex_init(&limit->mutex, NULL);
    limit->each = each;
    limit->all = all;
    limit->bucket_of_all.level = (int64_t)all.burst * TOKEN;
    limit->capacity = clients;
    limit->newest = limit->oldest = NOBODY;
    limit->slots = malloc(clients * sizeof(*limit->slots));
    limit->clients = calloc(clients, sizeof(*limit->clients));
    if (!limit->slots || !limit->clients ||
        RAND_bytes((unsigned char *)&limit->multiplier, sizeof(limit->multiplier)) != 1) {
        rate_limit_free(limit);
        return NULL;
    }
    limit->multiplier |= 1;
    for (size_t i = 0; i < clients; i++)
        limit->slots[i] = NOBODY;
    return limit;
}

void rate_limit_free(struct rate_limit *limit)
{
    if (!limit)
        return;
    pthread_mutex_destroy(&limit->mutex);
    free(limit->slots);
    free(limit->clients);
    free(limit);
}

static uint32_t *slot_of(struct rate_limit *limit, uint64_t key)
{
    return &limit->slots[((key * limit->multiplier) >> 32) % limit->capacity];
}

static void leave_order(struct rate_limit *limit, uint32_t index)
{
    const struct client *client = &limit->clients[index];

    *(client->newer == NOBODY ? &limit->newest : &limit->clients[client->newer].older) =
        client->older;
    *(client->older == NOBODY ? &limit->oldest : &limit->clients[client->older].newer) =
        client->newer;
}

static void become_newest(struct rate_limit *limit, uint32_t index)
{
    struct client *client = &limit->clients[index];

    client->newer = NOBODY;
    client->older = limit->newest;
    *(limit->newest == NOBODY ? &limit->oldest : &limit->clients[limit->newest].newer) = index;
    limit->newest = index;
}

static void leave_slot(struct rate_limit *limit, uint32_t index)
{
    uint32_t *link = slot_of(limit, limit->clients[index].key);

    while (*link != index)
        link = &limit->clients[*link].chained;
    *link = limit->clients[index].chained;
}

/* A place in the table, the oldest client's if there is no other. */
static uint32_t vacate(struct rate_limit *limit)
{
    uint32_t index = limit->oldest;

    if (limit->count < limit->capacity)
        return (uint32_t)limit->count++;
    leave_order(limit, index);
    leave_slot(limit, index);
    return index;
}

static struct bucket *bucket_of(struct rate_limit *limit, uint64_t key, uint64_t now_ms)
{
    uint32_t *slot = slot_of(limit, key), index = *slot;

    while (index != NOBODY && limit->clients[index].key != key)
        index = limit->clients[index].chained;
    if (index != NOBODY) {
        leave_order(limit, index);
    } else {
        index = vacate(limit);
        limit->clients[index] = (struct client){
            .key = key,
            .bucket = {.level = (int64_t)limit->each.burst * TOKEN, .updated_ms = now_ms},
            .chained = *slot,
        };
        *slot = index;
    }
    become_newest(limit, index);
    return &limit->clients[index].bucket;
}

/* Seconds, rounded up, until the bucket has a token; 0 when it has one. */
static unsigned seconds_to_token(struct bucket *bucket, struct rate rate, uint64_t now_ms)
{
    int64_t full = (int64_t)rate.burst * TOKEN, second = (int64_t)rate.per_second * 1000;
    uint64_t elapsed;

    if (rate.per_second == 0)
        return 0;
    elapsed = now_ms > bucket->updated_ms ? now_ms - bucket->updated_ms : 0;
    bucket->updated_ms = now_ms;
    /* Divided rather than multiplied: a long time must not overflow. */
    if (elapsed >= (uint64_t)(full - bucket->level) / rate.per_second + 1)
        bucket->level = full;
    else
        bucket->level += (int64_t)elapsed * rate.per_second;
    if (bucket->level >= TOKEN)
        return 0;
    return (unsigned)((TOKEN - bucket->level + second - 1) / second);
}

static void spend(struct bucket *bucket, struct rate rate)
{
    if (rate.per_second != 0)
        bucket->level -= TOKEN;
}

/* How long a client waits for a token of each bucket, in seconds. */
struct waits {
    unsigned own, all;
};

enum purpose {
    LOOK,
    TAKE,   /* from both, if there is one in both */
    CHARGE, /* from both */
};

static struct waits ask(struct rate_limit *limit, uint64_t client, uint64_t now_ms,
                        enum purpose purpose)
{
    struct bucket *own, *of_all = &limit->bucket_of_all;
    struct waits waits;

    pthread_mutex_lock(&limit->mutex);
    own = bucket_of(limit, client, now_ms);
    waits.own = seconds_to_token(own, limit->each, now_ms);
    waits.all = seconds_to_token(of_all, limit->all, now_ms);
    if (purpose == CHARGE || (purpose == TAKE && waits.own == 0 && waits.all == 0)) {
        spend(own, limit->each);
        spend(of_all, limit->all);
    }
    pthread_mutex_unlock(&limit->mutex);
    return waits;
}

static unsigned longer(struct waits waits)
{
    return waits.own > waits.all ? waits.own : waits.all;
}

unsigned rate_limit_take(struct rate_limit *limit, uint64_t client, uint64_t now_ms)
{
    return longer(ask(limit, client, now_ms, TAKE));
}

void rate_limit_charge(struct rate_limit *limit, uint64_t client, uint64_t now_ms)
{
    (void)ask(limit, client, now_ms, CHARGE);
}

unsigned rate_limit_wait(struct rate_limit *limit, uint64_t client, bool all, uint64_t now_ms)
{
    struct waits waits = ask(limit, client, now_ms, LOOK);

    return all ? longer(waits) : waits.own;
}
