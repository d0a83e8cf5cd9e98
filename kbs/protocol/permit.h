/* SPDX-License-Identifier: MIT */
/*
 * Whether the owner's rules, as one unit of work sees them, let the holder of a grant have what it
 * is about. The same check ends an attestation and precedes each release: in the unit of work in
 * which the line about it becomes durable (outcome_decide), so that nothing is given after what
 * permitted it was retired.
 */
#ifndef SNPVTPM_KBS_PROTOCOL_PERMIT_H
#define SNPVTPM_KBS_PROTOCOL_PERMIT_H

#include "kbs/protocol/grant.h"
#include "kbs/protocol/outcome.h"
#include "kbs/protocol/rules.h"

/* Begins as {.kbs = ..., .grant = ...}; may be used again and again. */
struct permit {
    const struct kbs *kbs;
    const struct grant *grant;
    /* What the last check found */
    bool has_volume;
    struct volume volume;
    struct rules rules;
    struct finding finding;
    struct policy_error policy_error;
};

/* Checks the volume of the grant, and the grant by that volume's policy and image. *refusal says no
 * (its status is 200 when it does not); any other status than STORE_OK is the store's failure. */
MUST_CHECK enum store_status permit_volume(struct permit *permit, struct store_unit *unit,
                                           struct refusal *refusal);

/* Checks the grant by a policy, whichever image it is of. */
MUST_CHECK enum store_status permit_policy(struct permit *permit, struct store_unit *unit,
                                           const char *policy, struct refusal *refusal);

/* Puts what was found into what is told about it, which then refers to the permit. */
void permit_tell(const struct permit *permit, struct outcome *outcome);

/* Also of one that was never used. */
void permit_end(struct permit *permit);

#endif
