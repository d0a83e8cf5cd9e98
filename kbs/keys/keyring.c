/* SPDX-License-Identifier: MIT */
#include "kbs/keys/keyring.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

struct held {
    struct signing_key info;
    EVP_PKEY *key;
};

/* As many as there are: one that was left out would be one that some image pins. */
struct keys {
    size_t count;
    struct held *held; /* of all uses, newest first */
};

struct keyring {
    struct store *store;
    pthread_mutex_t loading; /* taken before lock */
    pthread_mutex_t lock;    /* of what follows */
    unsigned changes;        /* that this process told of */
    unsigned changes_loaded; /* of these, how many there were when the store was last read */
    time_t loaded;
    struct keys keys;
};

static void drop(struct keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        EVP_PKEY_free(keys->held[i].key);
    free(keys->held);
    *keys = (struct keys){0};
}

static time_t monotonic(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

struct listing {
    struct keys *keys;
    bool short_of_memory;
};

static void take_info(void *context, const struct signing_key *key)
{
    struct listing *listing = context;
    struct keys *keys = listing->keys;
    struct held *larger;

    if (key->retired)
        return;
    larger = reallocarray(keys->held, keys->count + 1, sizeof(*larger));
    listing->short_of_memory |= !larger;
    if (!larger)
        return;
    keys->held = larger;
    keys->held[keys->count++] = (struct held){.info = *key};
}

enum store_status keyring_load(struct store_unit *unit, const uint8_t id[SIGNING_KEY_ID_SIZE],
                               EVP_PKEY **key)
{
    uint8_t der[SIGNING_KEY_DER_MAX];
    const uint8_t *next = der;
    size_t size;
    enum store_status status = signing_key_fetch(unit, id, der, &size);

    *key = status == STORE_OK ? d2i_AutoPrivateKey(NULL, &next, (long)size) : NULL;
    OPENSSL_cleanse(der, sizeof(der));
    return status == STORE_OK && !*key ? STORE_FAILED : status;
}

static enum store_status load(struct store *store, struct keys *keys)
{
    struct listing listing = {.keys = keys};
    struct store_unit *unit;
    enum store_status status = store_begin_reading(store, &unit);

    *keys = (struct keys){0};
    if (status != STORE_OK)
        return status;
    status = signing_key_each(unit, take_info, &listing);
    if (listing.short_of_memory)
        status = STORE_FAILED;
    for (size_t i = 0; i < keys->count && status == STORE_OK; i++)
        status = keyring_load(unit, keys->held[i].info.id, &keys->held[i].key);
    store_abandon(unit);
    if (status != STORE_OK)
        drop(keys);
    return status;
}

static bool is_stale(struct keyring *keyring, bool *changed)
{
    bool stale;

    pthread_mutex_lock(&keyring->lock);
    *changed = keyring->changes != keyring->changes_loaded;
    stale = *changed || monotonic() - keyring->loaded >= KEYRING_REFRESH;
    pthread_mutex_unlock(&keyring->lock);
    return stale;
}

/* With loading held. What cannot be read anew leaves the keys as they are: a store that is away for
 * a while must not look like a server without keys, nor hold up each use of them. */
static void reload(struct keyring *keyring)
{
    struct keys keys, old = {0};
    unsigned changes;
    bool loaded;

    pthread_mutex_lock(&keyring->lock);
    changes = keyring->changes;
    pthread_mutex_unlock(&keyring->lock);
    loaded = load(keyring->store, &keys) == STORE_OK;
    pthread_mutex_lock(&keyring->lock);
    keyring->loaded = monotonic();
    keyring->changes_loaded = changes;
    if (loaded) {
        old = keyring->keys;
        keyring->keys = keys;
    }
    pthread_mutex_unlock(&keyring->lock);
    drop(&old);
}

/* While one thread reads the store, others go on with the keys they know; but after a change by
 * this process they wait for it. */
static void refresh(struct keyring *keyring)
{
    bool changed;

    if (!is_stale(keyring, &changed))
        return;
    if (changed)
        pthread_mutex_lock(&keyring->loading);
    else if (pthread_mutex_trylock(&keyring->loading) != 0)
        return;
    if (is_stale(keyring, &changed))
        reload(keyring);
    pthread_mutex_unlock(&keyring->loading);
}

struct keyring *keyring_open(struct store *store, enum store_status *status)
{
    struct keyring *keyring = calloc(1, sizeof(*keyring));

    *status = STORE_FAILED;
    if (!keyring)
        return NULL;
    keyring->store = store;
    *status = load(store, &keyring->keys);
    if (*status != STORE_OK) {
        free(keyring);
        return NULL;
    }
    keyring->loaded = monotonic();
    pthread_mutex_init(&keyring->loading, NULL);
    pthread_mutex_init(&keyring->lock, NULL);
    return keyring;
}

void keyring_close(struct keyring *keyring)
{
    if (!keyring)
        return;
    drop(&keyring->keys);
    pthread_mutex_destroy(&keyring->lock);
    pthread_mutex_destroy(&keyring->loading);
    free(keyring);
}

/* The first that fits; id NULL: whatever its id. */
static EVP_PKEY *pick(struct keyring *keyring, enum signing_key_use use, const uint8_t *id,
                      uint8_t *found_id)
{
    EVP_PKEY *key = NULL;

    refresh(keyring);
    pthread_mutex_lock(&keyring->lock);
    for (size_t i = 0; i < keyring->keys.count && !key; i++) {
        const struct held *held = &keyring->keys.held[i];

        if (held->info.use != use || (id && memcmp(held->info.id, id, SIGNING_KEY_ID_SIZE) != 0) ||
            EVP_PKEY_up_ref(held->key) != 1)
            continue;
        key = held->key;
        if (found_id)
            memcpy(found_id, held->info.id, SIGNING_KEY_ID_SIZE);
    }
    pthread_mutex_unlock(&keyring->lock);
    return key;
}

EVP_PKEY *keyring_active(struct keyring *keyring, enum signing_key_use use,
                         uint8_t id[SIGNING_KEY_ID_SIZE])
{
    return pick(keyring, use, NULL, id);
}

EVP_PKEY *keyring_find(struct keyring *keyring, enum signing_key_use use,
                       const uint8_t id[SIGNING_KEY_ID_SIZE])
{
    return pick(keyring, use, id, NULL);
}

void keyring_each(struct keyring *keyring, enum signing_key_use use,
                  void (*visit)(void *context, const uint8_t id[SIGNING_KEY_ID_SIZE],
                                EVP_PKEY *key),
                  void *context)
{
    refresh(keyring);
    pthread_mutex_lock(&keyring->lock);
    for (size_t i = 0; i < keyring->keys.count; i++)
        if (keyring->keys.held[i].info.use == use)
            visit(context, keyring->keys.held[i].info.id, keyring->keys.held[i].key);
    pthread_mutex_unlock(&keyring->lock);
}

void keyring_invalidate(struct keyring *keyring)
{
    pthread_mutex_lock(&keyring->lock);
    keyring->changes++;
    pthread_mutex_unlock(&keyring->lock);
}

/* The DER of a PrivateKeyInfo; 0 when it does not fit or OpenSSL fails. */
static size_t encode(EVP_PKEY *key, uint8_t der[SIGNING_KEY_DER_MAX])
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    uint8_t *bytes = NULL;
    int size = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &bytes) : 0;
    size_t used = bytes && size > 0 && size <= SIGNING_KEY_DER_MAX ? (size_t)size : 0;

    if (used > 0)
        memcpy(der, bytes, used);
    if (bytes)
        OPENSSL_clear_free(bytes, (size_t)size);
    PKCS8_PRIV_KEY_INFO_free(info);
    return used;
}

enum store_status keyring_generate(struct store_unit *unit, enum signing_key_use use, time_t now,
                                   uint8_t id[SIGNING_KEY_ID_SIZE])
{
    bool strong = use == SIGNING_KEY_RELEASE || use == SIGNING_KEY_CA;
    EVP_PKEY *key = EVP_EC_gen(strong ? "P-384" : "P-256");
    struct signing_key info = {.use = use, .created = now};
    uint8_t der[SIGNING_KEY_DER_MAX];
    size_t size = key && key_id_of(key, info.id) ? encode(key, der) : 0;
    enum store_status status = size > 0 ? signing_key_add(unit, &info, der, size) : STORE_FAILED;

    OPENSSL_cleanse(der, sizeof(der));
    EVP_PKEY_free(key);
    memcpy(id, info.id, sizeof(info.id));
    return status;
}
