/* SPDX-License-Identifier: MIT */
/*
 * A map of fixed capacity that forgets what was not used for the longest time. Its keys are
 * digests. Not thread-safe: its owner has the lock.
 */
#ifndef SNPVTPM_KBS_EVIDENCE_LRU_H
#define SNPVTPM_KBS_EVIDENCE_LRU_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/must_check.h"

#define LRU_KEY_SIZE 32 /* bytes: SHA-256 */

struct lru;

/* capacity: entries, at least 1; destroy frees a value that is forgotten. NULL without memory. */
MUST_CHECK struct lru *lru_new(size_t capacity, void (*destroy)(void *value));

void lru_free(struct lru *lru);

/* The value, which stays the map's and is its newest now; NULL when there is none. */
MUST_CHECK void *lru_find(struct lru *lru, const uint8_t key[LRU_KEY_SIZE]);

/* Hands over value; replaces the one with that key. */
void lru_put(struct lru *lru, const uint8_t key[LRU_KEY_SIZE], void *value);

#endif
