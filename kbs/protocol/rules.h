/* SPDX-License-Identifier: MIT */
/* The owner's rules for one thing, read from the store at once: its policy, and what is registered
 * about the image that asks. */
#ifndef SNPVTPM_KBS_PROTOCOL_RULES_H
#define SNPVTPM_KBS_PROTOCOL_RULES_H

#include "kbs/evidence/evidence.h"
#include "kbs/kbs.h"
#include "kbs/policy/policy.h"
#include "kbs/store/images.h"

struct rules {
    char policy_name[STORE_NAME_MAX + 1];
    const struct policy *policy;         /* borrowed from the cache; NULL: there is none */
    char only_image[STORE_NAME_MAX + 1]; /* empty: every one that the policy admits */
    bool has_image;
    struct image image; /* with the measurement that asks */
};

/* only_image may be NULL. When there is no such policy, or its text is none, rules->policy is NULL
 * and *error says more. Give the rules back in any case. */
MUST_CHECK enum store_status rules_load(const struct kbs *kbs, struct store_unit *unit,
                                        const char *policy_name, const char *only_image,
                                        const uint8_t measurement[LAUNCH_DIGEST_SIZE],
                                        struct rules *rules, struct policy_error *error);

void rules_give_back(const struct kbs *kbs, struct rules *rules);

/* An admit_measurement; context is a struct rules that were loaded for this measurement. */
MUST_CHECK bool rules_admit(void *context, const uint8_t measurement[LAUNCH_DIGEST_SIZE],
                            struct finding *finding);

#endif
