/* SPDX-License-Identifier: MIT */
/*
 * Locks, and the one order in which they are taken: a vCPU that holds one takes only those below
 * it in this list. Each lock knows its rank; taking one out of order ends the VM, in host tests and
 * for real, so that a wrong order is found when it is first tried, not when it first locks up.
 *
 * Waiting is spinning: interrupts are off, there is no other thread to run. So what is done under a
 * lock is short, but for a service's, for which nobody waits: a second caller is told BUSY. None is
 * held while the guest runs.
 */
#ifndef SNPVTPM_SVSM_MM_LOCK_H
#define SNPVTPM_SVSM_MM_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/must_check.h"

enum lock_rank {
    LOCK_ATTEST,     /* the attestation service, its devices and buffers: lock_try() only */
    LOCK_TPM,        /* the TPM service, likewise */
    LOCK_GUEST,      /* which pages are VMSAs and calling areas, which vCPUs there are */
    LOCK_PAGE_STATE, /* one page change of the guest's at a time, by 2 MiB */
    LOCK_PAGES,      /* the page allocator */
    LOCK_CONSOLE,    /* one line at a time */
};

struct lock {
    uint32_t taken;
    enum lock_rank rank;
};

void lock_take(struct lock *lock);
MUST_CHECK bool lock_try(struct lock *lock);
void lock_release(struct lock *lock);

/* Many may read at once; a writer is alone, and new readers wait for a writer that waits. */
struct shared_lock {
    uint32_t state; /* readers; SHARED_LOCK_WRITER */
    enum lock_rank rank;
};

void lock_read(struct shared_lock *lock);
void lock_read_release(struct shared_lock *lock);
void lock_write(struct shared_lock *lock);
void lock_write_release(struct shared_lock *lock);

/* Whether this vCPU holds any. */
bool lock_any_held(void);

#endif
