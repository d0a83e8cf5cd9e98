/* SPDX-License-Identifier: MIT */
/* What kbs/lease/lease.c did with random requests (tests/unit/kbs-lease/lease_trace.c), held against the model. */
#define STATES 12
#include "kbs.pml"

byte same;

/* The lease's fields count only while there is one. */
inline step(op, me, lease, from, to, key, sequence, expired, status, phase, holder, its, last, epoch, committed, written, frozen, complaint, version, rekeying)
{
    k_expired = expired;
    kbs_step(op, me, lease, from, to, key, sequence);
    same = (r_status == status && k_phase == phase && k_epoch == epoch && k_committed == committed &&
            k_written_in == written && k_frozen == frozen && k_complaint == complaint && k_key == version &&
            k_rekeying == rekeying);
    if
    :: k_phase != NONE -> same = same && (k_holder == holder && k_lease == its && k_sequence == last)
    :: else
    fi;
    assert(same)
}

inline command_break() { owner_break() }
inline command_accept() { owner_accept() }
inline command_freeze() { k_frozen = true }
inline command_thaw() { k_frozen = false }
inline command_rekey() { k_rekeying = true }
inline command_cancel() { owner_cancel() }
inline command_restored() { owner_restored() }

init
{
    byte n = 0;

    do
    :: n <= STATES -> s_counter[n] = n; s_before[n] = 8191; n++
    :: else -> break
    od;
#include "trace.pml"
}
