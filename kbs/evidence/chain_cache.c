/* SPDX-License-Identifier: MIT */
#include "kbs/evidence/chain_cache.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "kbs/evidence/certificates.h"
#include "kbs/evidence/lru.h"

static_assert(LRU_KEY_SIZE == SHA256_DIGEST_LENGTH, "keys are SHA-256");

/* Leaves are the chips' own; the few certificates above them are shared. */
#define OTHER_CERTIFICATES 64

struct chain_cache {
    pthread_mutex_t lock;
    struct lru *verified;     /* fingerprint of a chain to its struct validity */
    struct lru *certificates; /* SHA-256 of DER to X509 */
};

static void free_certificate(void *certificate)
{
    X509_free(certificate);
}

struct chain_cache *chain_cache_new(size_t capacity)
{
    struct chain_cache *cache = calloc(1, sizeof(*cache));

    if (!cache)
        return NULL;
    pthread_mutex_init(&cache->lock, NULL);
    cache->verified = lru_new(capacity, free);
    cache->certificates = lru_new(capacity + OTHER_CERTIFICATES, free_certificate);
    if (!cache->verified || !cache->certificates) {
        chain_cache_free(cache);
        return NULL;
    }
    return cache;
}

void chain_cache_free(struct chain_cache *cache)
{
    if (!cache)
        return;
    lru_free(cache->verified);
    lru_free(cache->certificates);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static X509 *find_certificate(struct chain_cache *cache, const uint8_t *bytes, size_t size)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    X509 *certificate;

    SHA256(bytes, size, digest);
    pthread_mutex_lock(&cache->lock);
    certificate = lru_find(cache->certificates, digest);
    if (certificate)
        X509_up_ref(certificate);
    pthread_mutex_unlock(&cache->lock);
    return certificate;
}

X509 *chain_cache_certificate(struct chain_cache *cache, const uint8_t *bytes, size_t size)
{
    X509 *certificate = cache ? find_certificate(cache, bytes, size) : NULL;

    return certificate ? certificate : certificate_parse(bytes, size);
}

bool chain_cache_holds(struct chain_cache *cache, const uint8_t fingerprint[32], time_t now)
{
    const struct validity *validity;
    bool holds;

    pthread_mutex_lock(&cache->lock);
    validity = lru_find(cache->verified, fingerprint);
    holds = validity && validity_includes(validity, now);
    pthread_mutex_unlock(&cache->lock);
    return holds;
}

static void remember_certificate(struct chain_cache *cache, X509 *certificate)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];

    if (X509_digest(certificate, EVP_sha256(), digest, NULL) == 1 && X509_up_ref(certificate) == 1)
        lru_put(cache->certificates, digest, certificate);
}

void chain_cache_remember(struct chain_cache *cache, const uint8_t fingerprint[32],
                          const struct chain *chain, const struct validity *validity)
{
    struct validity *copy = malloc(sizeof(*copy));

    if (!copy)
        return;
    *copy = *validity;
    pthread_mutex_lock(&cache->lock);
    lru_put(cache->verified, fingerprint, copy);
    remember_certificate(cache, chain->leaf);
    remember_certificate(cache, chain->ask);
    remember_certificate(cache, chain->ark);
    pthread_mutex_unlock(&cache->lock);
}
