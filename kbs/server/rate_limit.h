/* SPDX-License-Identifier: MIT */
/*
 * Token buckets: each client may do so many things a second, and a burst of more; all of them
 * together likewise. The table of clients is bounded: whoever was away longest makes room, and
 * begins anew with a full bucket, for which the bucket of all is the backstop. Thread-safe.
 *
 * What is limited is either taken before it is done, or charged when it has happened, such as a
 * refusal. Of the latter any number may be under way at once: they are owed, and waited for.
 */
#ifndef SNPVTPM_KBS_SERVER_RATE_LIMIT_H
#define SNPVTPM_KBS_SERVER_RATE_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/must_check.h"

struct rate {
    unsigned per_second; /* 0: no limit */
    unsigned burst;      /* at least 1 where there is a limit */
};

struct rate_limit;

/* Remembers up to clients clients. NULL without memory or randomness. */
MUST_CHECK struct rate_limit *rate_limit_new(struct rate each, struct rate all, size_t clients);

void rate_limit_free(struct rate_limit *limit);

/* Takes a token of the client with that key (client.h) and one of all: 0 when there were both,
 * otherwise takes none and tells after how many seconds there will be. now_ms: clock_ms(). */
MUST_CHECK unsigned rate_limit_take(struct rate_limit *limit, uint64_t client, uint64_t now_ms);

/* Takes a token of each, whether there is one or not, for what has happened. */
void rate_limit_charge(struct rate_limit *limit, uint64_t client, uint64_t now_ms);

/* After how many seconds there will be a token of the client's; with all, and one of all. Takes
 * none. */
MUST_CHECK unsigned rate_limit_wait(struct rate_limit *limit, uint64_t client, bool all,
                                    uint64_t now_ms);

#endif
