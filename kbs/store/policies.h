/* SPDX-License-Identifier: MIT */
/* The texts of policies, by name. What they mean is kbs/policy/policy.h's. */
#ifndef SNPVTPM_KBS_STORE_POLICIES_H
#define SNPVTPM_KBS_STORE_POLICIES_H

#include "kbs/store/store.h"

#define POLICY_TEXT_MAX 65536 /* bytes */

struct policy_record {
    char name[STORE_NAME_MAX + 1];
    time_t updated;
    const char *text; /* NUL-terminated, borrowed */
};

/* Adds a policy, or with replace puts it in the place of the one with that name, also of one that
 * was removed: STORE_EXISTS, STORE_RETIRED without. */
MUST_CHECK enum store_status policy_put(struct store_unit *unit, const char *name, const char *text,
                                        bool replace, time_t now);

/* The text, which the caller frees. */
MUST_CHECK enum store_status policy_text(struct store_unit *unit, const char *name, char **text);

/* STORE_IN_USE while a secret or an active volume has it. */
MUST_CHECK enum store_status policy_remove(struct store_unit *unit, const char *name, time_t now);

MUST_CHECK enum store_status
policy_each(struct store_unit *unit,
            void (*visit)(void *context, const struct policy_record *policy), void *context);

#endif
