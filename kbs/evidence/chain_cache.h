/* SPDX-License-Identifier: MIT */
/*
 * Remembers which chains were verified, and their certificates, so that the next report of the same
 * chip costs one signature check and no parsing. Thread-safe. Only what verified gets in: nobody
 * without AMD's signature can push anything out.
 */
#ifndef SNPVTPM_KBS_EVIDENCE_CHAIN_CACHE_H
#define SNPVTPM_KBS_EVIDENCE_CHAIN_CACHE_H

#include "kbs/evidence/chain.h"

struct chain_cache;

/* Room for so many chains, about 12 KiB each; NULL without memory. */
MUST_CHECK struct chain_cache *chain_cache_new(size_t capacity);

void chain_cache_free(struct chain_cache *cache);

/* As certificate_parse, but gives the certificate that was verified before if these bytes are its
 * DER. cache may be NULL. */
MUST_CHECK X509 *chain_cache_certificate(struct chain_cache *cache, const uint8_t *bytes,
                                         size_t size);

/* Whether the chain with that fingerprint was verified and still holds. */
MUST_CHECK bool chain_cache_holds(struct chain_cache *cache, const uint8_t fingerprint[32],
                                  time_t now);

/* Remembers a chain that was verified. Without memory, it does not. */
void chain_cache_remember(struct chain_cache *cache, const uint8_t fingerprint[32],
                          const struct chain *chain, const struct validity *validity);

#endif
