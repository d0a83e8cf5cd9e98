/* SPDX-License-Identifier: MIT */
#include "kbs/evidence/lru.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"

#define NONE SIZE_MAX

struct entry {
    uint8_t key[LRU_KEY_SIZE];
    void *value;
    size_t newer, older; /* by their last use */
    size_t next_in_bucket;
};

struct lru {
    size_t capacity, used, bucket_count;
    size_t newest, oldest;
    void (*destroy)(void *value);
    struct entry *entries;
    size_t *buckets; /* the first entry of each */
};

struct lru *lru_new(size_t capacity, void (*destroy)(void *value))
{
    struct lru *lru = calloc(1, sizeof(*lru));

    if (!lru)
        return NULL;
    *lru = (struct lru){
        .capacity = capacity,
        .bucket_count = capacity,
        .newest = NONE,
        .oldest = NONE,
        .destroy = destroy,
        .entries = calloc(capacity, sizeof(*lru->entries)),
        .buckets = calloc(capacity, sizeof(*lru->buckets)),
    };
    if (!lru->entries || !lru->buckets) {
        lru_free(lru);
        return NULL;
    }
    for (size_t i = 0; i < lru->bucket_count; i++)
        lru->buckets[i] = NONE;
    return lru;
}

void lru_free(struct lru *lru)
{
    if (!lru)
        return;
    for (size_t i = 0; i < lru->used; i++)
        lru->destroy(lru->entries[i].value);
    free(lru->entries);
    free(lru->buckets);
    free(lru);
}

/* A digest is as good as a hash. */
static size_t *bucket_of(struct lru *lru, const uint8_t key[LRU_KEY_SIZE])
{
    return &lru->buckets[get_le64(key) % lru->bucket_count];
}

static size_t find(struct lru *lru, const uint8_t key[LRU_KEY_SIZE])
{
    size_t at = *bucket_of(lru, key);

    while (at != NONE && memcmp(lru->entries[at].key, key, LRU_KEY_SIZE) != 0)
        at = lru->entries[at].next_in_bucket;
    return at;
}

/* The list by last use. */

static void take_out(struct lru *lru, size_t at)
{
    const struct entry *entry = &lru->entries[at];

    *(entry->newer == NONE ? &lru->newest : &lru->entries[entry->newer].older) = entry->older;
    *(entry->older == NONE ? &lru->oldest : &lru->entries[entry->older].newer) = entry->newer;
}

static void make_newest(struct lru *lru, size_t at)
{
    lru->entries[at].newer = NONE;
    lru->entries[at].older = lru->newest;
    *(lru->newest == NONE ? &lru->oldest : &lru->entries[lru->newest].newer) = at;
    lru->newest = at;
}

void *lru_find(struct lru *lru, const uint8_t key[LRU_KEY_SIZE])
{
    size_t at = find(lru, key);

    if (at == NONE)
        return NULL;
    take_out(lru, at);
    make_newest(lru, at);
    return lru->entries[at].value;
}

/* Frees the oldest entry's value and unlinks it; returns its place. */
static size_t forget_oldest(struct lru *lru)
{
    size_t at = lru->oldest;
    size_t *link = bucket_of(lru, lru->entries[at].key);

    while (*link != at)
        link = &lru->entries[*link].next_in_bucket;
    *link = lru->entries[at].next_in_bucket;
    take_out(lru, at);
    lru->destroy(lru->entries[at].value);
    return at;
}

void lru_put(struct lru *lru, const uint8_t key[LRU_KEY_SIZE], void *value)
{
    size_t at = find(lru, key);

    if (at != NONE) {
        lru->destroy(lru->entries[at].value);
        take_out(lru, at);
    } else {
        size_t *bucket = bucket_of(lru, key);

        at = lru->used < lru->capacity ? lru->used++ : forget_oldest(lru);
        memcpy(lru->entries[at].key, key, LRU_KEY_SIZE);
        lru->entries[at].next_in_bucket = *bucket;
        *bucket = at;
    }
    lru->entries[at].value = value;
    make_newest(lru, at);
}
