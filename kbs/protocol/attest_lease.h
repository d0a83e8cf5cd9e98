/* SPDX-License-Identifier: MIT */
/* What of an attestation is about a volume's lease. Inside kbs/protocol only. */
#ifndef SNPVTPM_KBS_PROTOCOL_ATTEST_LEASE_H
#define SNPVTPM_KBS_PROTOCOL_ATTEST_LEASE_H

#include "kbs/lease/lease.h"
#include "kbs/protocol/refusal.h"
#include "kbs/store/store.h"

#define LEASE_DETAIL_MAX 320

struct attestation;
struct outcome;

/* What the rules of leases say to a request, by the record at one time. */
struct lease_turn {
    bool applies; /* the volume has leases, and the request is about one */
    struct lease_policy policy;
    struct lease_record record; /* after the request */
    struct lease_output output;
    struct refusal denial;                 /* code is NULL when nothing is denied */
    uint8_t new_lease[RELEASE_LEASE_SIZE]; /* in case that one is granted */
    char detail[LEASE_DETAIL_MAX];         /* for the audit log */
};

/* Says what the answer will be if nothing changes meanwhile, so that it can be sealed beforehand.
 */
MUST_CHECK bool attestation_foresee_lease(struct attestation *attestation);

/*
 * A part of the unit of work that concludes the attestation: applies the request to the record as
 * it is now. When the answer is not the foreseen one, makes the reply anew. *refusal is as in
 * outcome_decision.
 */
MUST_CHECK enum store_status attestation_apply_lease(struct attestation *attestation,
                                                     struct store_unit *unit,
                                                     struct outcome *outcome,
                                                     struct refusal *refusal);

/* Whether the volume's lease, if it has any, is the one of the grant: for the release of a key. */
struct grant;
struct volume;
MUST_CHECK enum store_status lease_permits(struct store_unit *unit, const struct grant *grant,
                                           const struct volume *volume, struct refusal *refusal);

#endif
