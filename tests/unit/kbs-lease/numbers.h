/* SPDX-License-Identifier: MIT */
/*
 * The rules of kbs/lease on the numbers of tests/model/kbs.pml: a VM, a lease and a state of the
 * volume are small numbers, and each number stands for bytes that no other one has.
 */
#ifndef SNPVTPM_TESTS_UNIT_KBS_LEASE_NUMBERS_H
#define SNPVTPM_TESTS_UNIT_KBS_LEASE_NUMBERS_H

#include "kbs/lease/lease.h"

#define NUMBERS_GRANTS 64 /* grants in a run at most */
#define NUMBERS_BLANK  255

struct numbers {
    struct lease_policy policy;
    struct lease_record record;
    time_t now;
    unsigned grants;                     /* so far: the newest lease is that number */
    uint64_t epochs[NUMBERS_GRANTS + 1]; /* of each grant */
    uint64_t past;                       /* VMs that had a lease, as bits */
};

/* As the model has it; state 0 is none. */
struct numbers_request {
    unsigned op, vm, lease, from, to, key, sequence;
    unsigned from_counter, to_counter;
    bool expired; /* the lease's time is over when the request comes */
};

/* As the model prints it. What is about the lease counts only while there is one. */
struct numbers_record {
    unsigned status;
    unsigned phase, holder, lease, sequence, epoch, committed, written_in;
    unsigned frozen, complaint, key, rekeying;
};

void numbers_begin(struct numbers *numbers, bool same_epoch);

/* Applies a request, and says what came out. */
struct numbers_record numbers_step(struct numbers *numbers, const struct numbers_request *asked);

/* Whether two records are the same to the rules. */
MUST_CHECK bool numbers_equal(const struct numbers_record *a, const struct numbers_record *b);

#endif
