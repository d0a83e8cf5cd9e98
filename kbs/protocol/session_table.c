/* SPDX-License-Identifier: MIT */
#include "kbs/protocol/session_table.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <openssl/crypto.h>

#define CLOCK_SLACK 10 /* seconds */

enum state {
    STATE_CHALLENGED, /* its nonce may be spent */
    STATE_SPENT,      /* an attestation failed, or is being verified */
    STATE_GRANTED,
};

struct entry {
    char id[SESSION_ID_LENGTH];
    enum state state;
    time_t opened;
    struct session_nonce nonce;
    uint8_t *grant;
    size_t grant_size;
    SLIST_ENTRY(entry) bucket;
    TAILQ_ENTRY(entry) age;
};

SLIST_HEAD(bucket, entry);
TAILQ_HEAD(by_age, entry);

struct session_table {
    pthread_mutex_t mutex; /* held for moments: nothing is computed under it */
    struct entry *entries;
    struct bucket *buckets;
    size_t bucket_count;          /* a power of two */
    struct by_age free;           /* in no order */
    struct by_age empty, granted; /* without and with a grant, each the oldest first */
    size_t capacity, granted_count;
};

static size_t bucket_count_for(size_t capacity)
{
    size_t count = 1;

    while (count < 2 * capacity)
        count *= 2;
    return count;
}

struct session_table *session_table_new(size_t capacity)
{
    struct session_table *table = calloc(1, sizeof(*table));

    if (!table)
        return NULL;
    table->capacity = capacity;
    table->bucket_count = bucket_count_for(capacity);
    table->entries = calloc(capacity, sizeof(*table->entries));
    table->buckets = calloc(table->bucket_count, sizeof(*table->buckets));
    if (!table->entries || !table->buckets) {
        free(table->entries);
        free(table->buckets);
        free(table);
        return NULL;
    }
    pthread_mutex_init(&table->mutex, NULL);
    TAILQ_INIT(&table->free);
    TAILQ_INIT(&table->empty);
    TAILQ_INIT(&table->granted);
    for (size_t i = 0; i < capacity; i++)
        TAILQ_INSERT_TAIL(&table->free, &table->entries[i], age);
    return table;
}

/* Identifiers are random, and ours: any part of one is a hash that nobody can aim at. */
static struct bucket *bucket_of(struct session_table *table, const char *id)
{
    uint64_t hash = 0;

    for (size_t i = 0; i < 16; i++)
        hash = hash << 4 | ((uint64_t)(id[i] & 0x0f) + (id[i] > '9' ? 9 : 0));
    return &table->buckets[hash & (table->bucket_count - 1)];
}

static struct by_age *list_of(struct session_table *table, const struct entry *entry)
{
    return entry->state == STATE_GRANTED ? &table->granted : &table->empty;
}

/* Forgets a session. */
static void drop(struct session_table *table, struct entry *entry)
{
    SLIST_REMOVE(bucket_of(table, entry->id), entry, entry, bucket);
    TAILQ_REMOVE(list_of(table, entry), entry, age);
    table->granted_count -= entry->state == STATE_GRANTED;
    if (entry->grant)
        OPENSSL_cleanse(entry->grant, entry->grant_size);
    free(entry->grant);
    OPENSSL_cleanse(entry, sizeof(*entry));
    TAILQ_INSERT_HEAD(&table->free, entry, age);
}

void session_table_free(struct session_table *table)
{
    struct entry *entry;

    if (!table)
        return;
    while ((entry = TAILQ_FIRST(&table->empty)))
        drop(table, entry);
    while ((entry = TAILQ_FIRST(&table->granted)))
        drop(table, entry);
    pthread_mutex_destroy(&table->mutex);
    free(table->entries);
    free(table->buckets);
    free(table);
}

/* Requests that come at once may be a little apart in what they take for now. */
static bool is_live(const struct entry *entry, time_t now)
{
    return now - entry->opened < SESSION_LIFETIME && entry->opened - now < CLOCK_SLACK;
}

/* All live equally long, so those that are over are the first of their lists. */
static void drop_dead(struct session_table *table, struct by_age *list, time_t now)
{
    struct entry *entry;

    while ((entry = TAILQ_FIRST(list)) && !is_live(entry, now))
        drop(table, entry);
}

static struct entry *find(struct session_table *table, const char *id, time_t now)
{
    struct entry *entry;

    SLIST_FOREACH(entry, bucket_of(table, id), bucket)
    if (CRYPTO_memcmp(entry->id, id, SESSION_ID_LENGTH) == 0)
        return is_live(entry, now) ? entry : NULL;
    return NULL;
}

/* The oldest of the kind that has more than half of the room gives way: those who only ask cannot
 * drive out all that were granted something, nor can those keep others from beginning. */
static void make_room(struct session_table *table)
{
    if (TAILQ_EMPTY(&table->free))
        drop(table, TAILQ_FIRST(table->granted_count > table->capacity / 2 ? &table->granted
                                                                           : &table->empty));
}

void session_table_open(struct session_table *table, const char *id,
                        const struct session_nonce *nonce, time_t now)
{
    struct entry *entry;

    pthread_mutex_lock(&table->mutex);
    drop_dead(table, &table->empty, now);
    drop_dead(table, &table->granted, now);
    make_room(table);
    entry = TAILQ_FIRST(&table->free);
    TAILQ_REMOVE(&table->free, entry, age);
    memcpy(entry->id, id, SESSION_ID_LENGTH);
    entry->state = STATE_CHALLENGED;
    entry->opened = now;
    entry->nonce = *nonce;
    SLIST_INSERT_HEAD(bucket_of(table, id), entry, bucket);
    TAILQ_INSERT_TAIL(&table->empty, entry, age);
    pthread_mutex_unlock(&table->mutex);
}

enum session_status session_table_spend(struct session_table *table, const char *id, time_t now,
                                        struct session_nonce *nonce)
{
    enum session_status status = SESSION_UNKNOWN;
    struct entry *entry;

    pthread_mutex_lock(&table->mutex);
    entry = find(table, id, now);
    if (entry && entry->state != STATE_CHALLENGED) {
        status = SESSION_SPENT;
    } else if (entry) {
        entry->state = STATE_SPENT;
        *nonce = entry->nonce;
        status = now - entry->opened < SESSION_NONCE_LIFETIME ? SESSION_OK : SESSION_UNKNOWN;
    }
    pthread_mutex_unlock(&table->mutex);
    return status;
}

enum session_status session_table_grant(struct session_table *table, const char *id, time_t now,
                                        const uint8_t *grant, size_t size)
{
    uint8_t *copy = malloc(size);
    enum session_status status = SESSION_UNKNOWN;
    struct entry *entry;

    if (!copy)
        return SESSION_FAILED;
    memcpy(copy, grant, size);
    pthread_mutex_lock(&table->mutex);
    entry = find(table, id, now);
    if (entry && entry->state == STATE_SPENT) {
        TAILQ_REMOVE(&table->empty, entry, age);
        entry->state = STATE_GRANTED;
        entry->grant = copy;
        entry->grant_size = size;
        TAILQ_INSERT_TAIL(&table->granted, entry, age);
        table->granted_count++;
        copy = NULL;
        status = SESSION_OK;
    }
    pthread_mutex_unlock(&table->mutex);
    free(copy);
    return status;
}

enum session_status session_table_find(struct session_table *table, const char *id, time_t now,
                                       uint8_t *grant, size_t *size)
{
    enum session_status status = SESSION_UNKNOWN;
    const struct entry *entry;

    pthread_mutex_lock(&table->mutex);
    entry = find(table, id, now);
    if (entry && entry->state == STATE_GRANTED) {
        memcpy(grant, entry->grant, entry->grant_size);
        *size = entry->grant_size;
        status = SESSION_OK;
    }
    pthread_mutex_unlock(&table->mutex);
    return status;
}

bool session_table_has_use(struct session_table *table, const char *id, time_t now)
{
    const struct entry *entry;
    bool has_use;

    pthread_mutex_lock(&table->mutex);
    entry = find(table, id, now);
    has_use = entry && entry->state != STATE_SPENT;
    pthread_mutex_unlock(&table->mutex);
    return has_use;
}
