/* SPDX-License-Identifier: MIT */
/* Policies parsed once for each text, not for each request. Thread-safe. */
#ifndef SNPVTPM_KBS_PROTOCOL_POLICY_CACHE_H
#define SNPVTPM_KBS_PROTOCOL_POLICY_CACHE_H

#include "kbs/policy/policy.h"
#include "lib/base/must_check.h"

struct policy_cache;

/* NULL without memory. */
MUST_CHECK struct policy_cache *policy_cache_new(void);

/* Nobody may hold a policy of it any more. */
void policy_cache_free(struct policy_cache *cache);

/* The policy of that name, with that text; NULL when the text is none, *error then says why. It
 * stays as it is until it is given back. */
MUST_CHECK const struct policy *policy_cache_take(struct policy_cache *cache, const char *name,
                                                  const char *text, struct policy_error *error);

/* NULL is ignored. */
void policy_cache_give_back(struct policy_cache *cache, const struct policy *policy);

#endif
