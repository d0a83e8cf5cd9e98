/* SPDX-License-Identifier: MIT */
#include "kbs/protocol/policy_cache.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES 64

struct entry {
    struct policy policy; /* first: what is given out is this entry */
    char name[STORE_NAME_MAX + 1];
    char *text;
    unsigned uses; /* by those who took it, and one by the cache */
};

struct policy_cache {
    pthread_mutex_t mutex;
    struct entry *entries[ENTRIES]; /* the latest used first; NULL from some place on */
};

struct policy_cache *policy_cache_new(void)
{
    struct policy_cache *cache = calloc(1, sizeof(*cache));

    if (cache)
        pthread_mutex_init(&cache->mutex, NULL);
    return cache;
}

static void stop_using(struct entry *entry)
{
    if (!entry || --entry->uses > 0)
        return;
    policy_free(&entry->policy);
    free(entry->text);
    free(entry);
}

void policy_cache_free(struct policy_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < ENTRIES; i++)
        stop_using(cache->entries[i]);
    pthread_mutex_destroy(&cache->mutex);
    free(cache);
}

/* Puts entry in front; what was at its place, or at the end, gives way. */
static void put_in_front(struct policy_cache *cache, struct entry *entry, size_t place)
{
    for (size_t i = place; i > 0; i--)
        cache->entries[i] = cache->entries[i - 1];
    cache->entries[0] = entry;
}

/* Where the policy of that name is, or the first empty place, or the last one. */
static size_t place_of(const struct policy_cache *cache, const char *name)
{
    size_t place = 0;

    while (place < ENTRIES - 1 && cache->entries[place] &&
           strcmp(cache->entries[place]->name, name) != 0)
        place++;
    return place;
}

static struct entry *take_cached(struct policy_cache *cache, const char *name, const char *text)
{
    size_t place;
    struct entry *entry;

    pthread_mutex_lock(&cache->mutex);
    place = place_of(cache, name);
    entry = cache->entries[place];
    if (entry && strcmp(entry->name, name) == 0 && strcmp(entry->text, text) == 0) {
        entry->uses++;
        put_in_front(cache, entry, place);
    } else {
        entry = NULL;
    }
    pthread_mutex_unlock(&cache->mutex);
    return entry;
}

static struct entry *parse(const char *name, const char *text, struct policy_error *error)
{
    struct entry *entry = calloc(1, sizeof(*entry));

    snprintf(error->text, sizeof(error->text), "out of memory");
    if (!entry)
        return NULL;
    snprintf(entry->name, sizeof(entry->name), "%s", name);
    entry->text = strdup(text);
    entry->uses = 2;
    if (entry->text && policy_parse(text, &entry->policy, error))
        return entry;
    free(entry->text);
    free(entry);
    return NULL;
}

const struct policy *policy_cache_take(struct policy_cache *cache, const char *name,
                                       const char *text, struct policy_error *error)
{
    struct entry *entry = take_cached(cache, name, text);
    size_t place;

    if (entry)
        return &entry->policy;
    entry = parse(name, text, error);
    if (!entry)
        return NULL;
    pthread_mutex_lock(&cache->mutex);
    place = place_of(cache, name);
    stop_using(cache->entries[place]);
    put_in_front(cache, entry, place);
    pthread_mutex_unlock(&cache->mutex);
    return &entry->policy;
}

void policy_cache_give_back(struct policy_cache *cache, const struct policy *policy)
{
    if (!policy)
        return;
    pthread_mutex_lock(&cache->mutex);
    stop_using((struct entry *)((uint8_t *)policy - offsetof(struct entry, policy)));
    pthread_mutex_unlock(&cache->mutex);
}
