/* SPDX-License-Identifier: MIT */
#include "kbs/collateral/collateral.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>
#include <openssl/x509.h>

#include "kbs/collateral/directory.h"
#include "kbs/collateral/disk_cache.h"
#include "kbs/collateral/kds.h"
#include "kbs/evidence/asn1_time.h"
#include "kbs/evidence/lru.h"

/* Apart, so that strangers who ask for what does not exist push nothing out. */
#define FOUND_ITEMS   4096
#define MISSING_ITEMS 1024

/* Seconds after which the sources are looked at again. */
#define LOOK_AGAIN_FAILED  1 /* the KDS itself is backed off from for longer */
#define LOOK_AGAIN_MISSING 30
#define LOOK_AGAIN_CRL     3600
#define REFETCH_CRL        86400

#define FOR_EVER INT64_MAX

/* The outcome of looking at the sources. */
struct outcome {
    enum collateral_status status;
    struct item_value value;
    time_t look_again;
};

/* A look at the sources that is under way, and that others may wait for. */
struct flight {
    uint8_t key[LRU_KEY_SIZE];
    bool landed;
    unsigned users; /* the last one frees it */
    struct outcome outcome;
    struct flight *next;
};

struct collateral {
    const char *directory, *cache;
    struct kds *kds;
    pthread_mutex_t lock; /* of all that follows, but not of a look at the sources */
    pthread_cond_t landed;
    struct lru *found, *missing; /* struct outcome of an item */
    struct flight *flights;
};

static void free_outcome(void *value)
{
    struct outcome *outcome = value;

    item_value_free(&outcome->value);
    free(outcome);
}

struct collateral *collateral_new(const struct collateral_options *options)
{
    struct collateral *collateral;

    if (options->cache && !disk_cache_prepare(options->cache))
        return NULL;
    collateral = calloc(1, sizeof(*collateral));
    if (!collateral)
        return NULL;
    collateral->directory = options->directory;
    collateral->cache = options->cache;
    pthread_mutex_init(&collateral->lock, NULL);
    pthread_cond_init(&collateral->landed, NULL);
    collateral->found = lru_new(FOUND_ITEMS, free_outcome);
    collateral->missing = lru_new(MISSING_ITEMS, free_outcome);
    if (options->kds_url)
        collateral->kds = kds_new(options->kds_url, options->timeout_s);
    if (!collateral->found || !collateral->missing || (options->kds_url && !collateral->kds)) {
        collateral_free(collateral);
        return NULL;
    }
    return collateral;
}

void collateral_free(struct collateral *collateral)
{
    if (!collateral)
        return;
    lru_free(collateral->found);
    lru_free(collateral->missing);
    kds_free(collateral->kds);
    pthread_cond_destroy(&collateral->landed);
    pthread_mutex_destroy(&collateral->lock);
    free(collateral);
}

const char *collateral_status_text(enum collateral_status status)
{
    switch (status) {
    case COLLATERAL_OK:
        return "found";
    case COLLATERAL_NONE:
        return "no source of collateral has it";
    case COLLATERAL_BACKING_OFF:
        return "the KDS is left alone for a while, after it failed or asked for that";
    default:
        return "the KDS cannot be reached, or answers nonsense";
    }
}

/* The sources, one after the other */

static time_t next_update(const X509_CRL *crl)
{
    struct validity validity;

    return validity_parse(X509_CRL_get0_lastUpdate(crl), X509_CRL_get0_nextUpdate(crl), &validity)
               ? validity.until
               : 0;
}

/* Certificates last for ever; a CRL until its next update, and a fetched one is renewed daily. */
static bool is_fresh(const struct item_value *value, time_t since, time_t now)
{
    return !value->crl || (now < next_update(value->crl) && now - since < REFETCH_CRL);
}

static void fetch(struct collateral *collateral, const struct item *item, time_t now,
                  struct outcome *outcome)
{
    struct item_value fetched;

    outcome->status = kds_fetch(collateral->kds, item, now, &fetched);
    if (outcome->status != COLLATERAL_OK)
        return;
    /* A cache that cannot be written costs a fetch after the next start, no more. */
    if (collateral->cache)
        (void)!disk_cache_store(collateral->cache, item, &fetched);
    if (fetched.crl)
        item_value_free(&outcome->value); /* the older one */
    item_value_add(&outcome->value, &fetched);
}

MUST_CHECK static bool is_good(const struct item *item, const struct item_value *value,
                               time_t since, time_t now)
{
    return item_value_has(value, item) && is_fresh(value, since, now);
}

/* Leaves in value the best that is at hand, which may be out of date; whether that will do. */
MUST_CHECK static bool look_here(const struct collateral *collateral, const struct item *item,
                                 time_t now, struct item_value *value)
{
    struct item_value cached;
    time_t since = now;

    if (collateral->directory)
        *value = directory_load(collateral->directory, item);
    if (is_good(item, value, now, now))
        return true;
    if (collateral->cache && !value->crl &&
        disk_cache_load(collateral->cache, item, &cached, &since))
        item_value_add(value, &cached);
    return is_good(item, value, since, now);
}

/* Leaves in outcome the best there is, which may be out of date, or only a part of it. */
static void look(struct collateral *collateral, const struct item *item, time_t now,
                 struct outcome *outcome)
{
    *outcome = (struct outcome){.status = COLLATERAL_NONE};
    if (!look_here(collateral, item, now, &outcome->value) && collateral->kds)
        fetch(collateral, item, now, outcome);
    if (item_value_has(&outcome->value, item))
        outcome->status = COLLATERAL_OK;
}

static time_t when_to_look_again(const struct outcome *outcome, time_t now)
{
    const X509_CRL *crl = outcome->value.crl;

    if (outcome->status == COLLATERAL_NONE)
        return now + LOOK_AGAIN_MISSING;
    if (outcome->status != COLLATERAL_OK)
        return now + LOOK_AGAIN_FAILED;
    if (!crl)
        return FOR_EVER;
    if (next_update(crl) <= now)
        return now + LOOK_AGAIN_MISSING;
    return next_update(crl) < now + LOOK_AGAIN_CRL ? next_update(crl) : now + LOOK_AGAIN_CRL;
}

/* Memory, and joining those who want the same at once. All with the lock held. */

/* Shares the outcome of a look, which may have been for another part of the same: false when that
 * says nothing about the part that is wanted now. */
MUST_CHECK static bool share(const struct outcome *seen, const struct item *item,
                             struct outcome *outcome)
{
    bool has = item_value_has(&seen->value, item);

    if (!has && seen->status == COLLATERAL_OK)
        return false;
    *outcome = *seen;
    outcome->value = item_value_share(&seen->value);
    if (has)
        outcome->status = COLLATERAL_OK;
    return true;
}

/* Shares what a map remembers, if it is still good. */
MUST_CHECK static bool recall_from(struct lru *map, const struct item *item,
                                   const uint8_t key[LRU_KEY_SIZE], time_t now,
                                   struct outcome *outcome)
{
    const struct outcome *remembered = lru_find(map, key);

    return remembered && now < remembered->look_again && share(remembered, item, outcome);
}

MUST_CHECK static bool recall(struct collateral *collateral, const struct item *item,
                              const uint8_t key[LRU_KEY_SIZE], time_t now, struct outcome *outcome)
{
    return recall_from(collateral->found, item, key, now, outcome) ||
           recall_from(collateral->missing, item, key, now, outcome);
}

static void remember(struct collateral *collateral, const uint8_t key[LRU_KEY_SIZE],
                     const struct outcome *outcome)
{
    struct outcome *copy = malloc(sizeof(*copy));

    if (!copy)
        return;
    *copy = *outcome;
    copy->value = item_value_share(&outcome->value);
    lru_put(copy->status == COLLATERAL_OK ? collateral->found : collateral->missing, key, copy);
}

static struct flight *find_flight(struct collateral *collateral, const uint8_t key[LRU_KEY_SIZE])
{
    struct flight *flight = collateral->flights;

    while (flight && memcmp(flight->key, key, LRU_KEY_SIZE) != 0)
        flight = flight->next;
    return flight;
}

static void remove_flight(struct collateral *collateral, const struct flight *flight)
{
    struct flight **link = &collateral->flights;

    while (*link != flight)
        link = &(*link)->next;
    *link = flight->next;
}

static struct flight *add_flight(struct collateral *collateral, const uint8_t key[LRU_KEY_SIZE])
{
    struct flight *flight = calloc(1, sizeof(*flight));

    if (!flight)
        return NULL;
    memcpy(flight->key, key, LRU_KEY_SIZE);
    flight->users = 1;
    flight->next = collateral->flights;
    collateral->flights = flight;
    return flight;
}

/* Shares a flight's outcome as share() does, and is done with it. */
MUST_CHECK static bool leave(struct flight *flight, const struct item *item,
                             struct outcome *outcome)
{
    bool shared = share(&flight->outcome, item, outcome);

    if (--flight->users == 0) {
        item_value_free(&flight->outcome.value);
        free(flight);
    }
    return shared;
}

/* Waits for another's look, which the time limit of a fetch bounds. */
MUST_CHECK static bool join(struct collateral *collateral, struct flight *flight,
                            const struct item *item, struct outcome *outcome)
{
    flight->users++;
    while (!flight->landed)
        pthread_cond_wait(&collateral->landed, &collateral->lock);
    return leave(flight, item, outcome);
}

/* Looks for oneself and those who join. */
MUST_CHECK static bool lead(struct collateral *collateral, struct flight *flight,
                            const struct item *item, time_t now, struct outcome *outcome)
{
    struct outcome seen;

    pthread_mutex_unlock(&collateral->lock);
    look(collateral, item, now, &seen);
    seen.look_again = when_to_look_again(&seen, now);
    pthread_mutex_lock(&collateral->lock);
    remember(collateral, flight->key, &seen);
    remove_flight(collateral, flight);
    flight->outcome = seen;
    flight->landed = true;
    pthread_cond_broadcast(&collateral->landed);
    return leave(flight, item, outcome);
}

/* With the lock held, but for the time that a look takes. False: somebody else's look was for
 * another part. */
MUST_CHECK static bool look_or_join(struct collateral *collateral, const struct item *item,
                                    const uint8_t key[LRU_KEY_SIZE], time_t now,
                                    struct outcome *outcome)
{
    struct flight *flight = find_flight(collateral, key);

    if (flight)
        return join(collateral, flight, item, outcome);
    flight = add_flight(collateral, key);
    if (flight)
        return lead(collateral, flight, item, now, outcome);
    *outcome = (struct outcome){.status = COLLATERAL_FAILED};
    return true;
}

static void key_of(const struct item *item, uint8_t key[LRU_KEY_SIZE])
{
    char name[ITEM_TEXT_MAX + 16] = {(char)('0' + item->kind)};

    item_url_path(item, name + 1);
    SHA256((const uint8_t *)name, strlen(name), key);
}

static enum collateral_status obtain(struct collateral *collateral, const struct item *item,
                                     time_t now, struct item_value *value)
{
    uint8_t key[LRU_KEY_SIZE];
    struct outcome outcome;

    key_of(item, key);
    pthread_mutex_lock(&collateral->lock);
    while (!recall(collateral, item, key, now, &outcome) &&
           !look_or_join(collateral, item, key, now, &outcome))
        ;
    pthread_mutex_unlock(&collateral->lock);
    *value = outcome.value;
    return outcome.status;
}

enum collateral_status collateral_vcek(struct collateral *collateral, enum product product,
                                       const uint8_t chip_id[CHIP_ID_SIZE], struct tcb tcb,
                                       time_t now, X509 **vcek)
{
    struct item item = {.kind = ITEM_VCEK, .product = product, .tcb = tcb};
    struct item_value value;
    enum collateral_status status;

    memcpy(item.chip_id, chip_id, sizeof(item.chip_id));
    status = obtain(collateral, &item, now, &value);
    *vcek = value.certificate;
    return status;
}

enum collateral_status collateral_intermediate(struct collateral *collateral, enum product product,
                                               bool vlek, time_t now, X509 **certificate)
{
    struct item item = {.kind = ITEM_CHAIN, .product = product, .vlek = vlek};
    struct item_value value;
    enum collateral_status status = obtain(collateral, &item, now, &value);

    *certificate = value.certificate;
    X509_free(value.ark);
    return status;
}

enum collateral_status collateral_root(struct collateral *collateral, enum product product,
                                       bool vlek, time_t now, X509 **ark)
{
    struct item item = {.kind = ITEM_CHAIN, .product = product, .vlek = vlek, .ark = true};
    struct item_value value;
    enum collateral_status status = obtain(collateral, &item, now, &value);

    *ark = value.ark;
    X509_free(value.certificate);
    return status;
}

enum collateral_status collateral_crl(struct collateral *collateral, enum product product,
                                      bool vlek, time_t now, X509_CRL **crl)
{
    struct item item = {.kind = ITEM_CRL, .product = product, .vlek = vlek};
    struct item_value value;
    enum collateral_status status = obtain(collateral, &item, now, &value);

    *crl = value.crl;
    return status;
}
