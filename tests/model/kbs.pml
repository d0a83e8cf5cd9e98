/* SPDX-License-Identifier: MIT */
/*
 * The KBS's record of one volume, and its rules: what kbs/lease/lease.c does, on numbers instead of digests.
 * leases.pml includes it for the exploration; the generated replay of a trace of the C code includes it, too.
 *
 * A state of the volume is a number from 1 on, which stands for counter and root; 0 is "none yet". A VM is the number of
 * its boot, which stands for report_id. A lease is the number of its grant.
 */

#define NONE     0 /* phases of the lease */
#define PENDING  1
#define ACTIVE   2
#define RELEASED 3

#define PROBE    0 /* operations */
#define ACQUIRE  1
#define CONFIRM  2
#define ANCHOR   3
#define RENEW    4
#define RELEASE  5
#define COMPLAIN 6
#define NOTHING  7

#define OK         0 /* answers */
#define BUSY       1
#define SUPERSEDED 2
#define STALE      3
#define FROZEN     5
#define RETRY      6

#define BLANK 255 /* complained of: nothing is on the disk */

#ifndef STATES
#define STATES 7
#endif

/* What is known of each state; it never changes once a state is written. */
byte s_counter[STATES + 1];
byte s_epoch[STATES + 1];
byte s_key[STATES + 1];
short s_before[STATES + 1]; /* the states it came from: bit N for state N */

#define BIT(n) (1 << (n))

byte k_phase;
byte k_holder;       /* boot */
byte k_lease;
bool k_expired;      /* the time of a pending or active lease is over */
byte k_sequence;     /* of the holder's last request that was answered */
byte k_epoch;
short k_past;        /* boots that ever held a lease */
byte k_committed;
byte k_written_in;   /* epoch of the committed state; 0: no state but this one may be opened */
bool k_frozen;
byte k_complaint;    /* what a disk was said to show: state, BLANK, or 0 for no complaint */
byte k_key = 1;      /* version of the key */
bool k_rekeying;     /* version k_key + 1 exists beside it */
bool k_same_epoch;   /* of the policy */

/* What the ghosts know: properties are about them, rules are not. */
byte g_grants;       /* ever made, over restored stores, too */
byte g_newest;       /* boot with the newest lease; 0 once an owner ended it */
short g_was_committed;

byte r_status; /* the answer */

#define by_holder(me, lease) (k_phase != NONE && (k_holder == (me) && k_lease == (lease)))

#ifdef M_NO_FENCE
#define may_act(me, lease) true
#else
#define may_act(me, lease) by_holder(me, lease)
#endif

#ifdef M_NO_SEQUENCE
#define in_sequence(sequence) true
#else
#define in_sequence(sequence) ((sequence) > k_sequence)
#endif

#define counter_follows(to)                                                                        \
    (k_committed == 0 || s_counter[to] == s_counter[k_committed] + 1 ||                            \
     (k_same_epoch && s_counter[to] > s_counter[k_committed]))

#ifdef M_NO_COMPARE
#define from_committed(from, to) true
#else
#define from_committed(from, to) ((from) == k_committed && counter_follows(to))
#endif

inline commit(me, to)
{
    assert(me == g_newest);                                                  /* I3 */
    assert(k_committed == 0 || (s_before[to] & BIT(k_committed)));           /* I2 */
    k_committed = to;
    k_written_in = k_epoch;
    g_was_committed = g_was_committed | BIT(to)
}

/* Another epoch is never given twice, not even by a store that was restored: it follows the clock. */
inline next_epoch()
{
#ifdef M_EPOCH_REPEATS
    k_epoch = k_epoch + 1
#else
    k_epoch = g_grants
#endif
}

inline grant(me, sequence)
{
    assert(!(k_past & BIT(me)));                                             /* one report_id, one epoch */
    g_grants = g_grants + 1;
    g_newest = me;
    next_epoch();
    k_phase = PENDING;
    k_holder = me;
    k_lease = g_grants;
    k_expired = false;
    k_sequence = sequence;
    k_past = k_past | BIT(me);
#ifdef M_PROMOTE_EARLY
    if
    :: k_rekeying -> k_key = k_key + 1; k_rekeying = false
    :: else
    fi;
#endif
    r_status = OK
}

inline acquire(me, sequence)
{
    if
    :: k_phase != NONE && k_holder == me && k_phase == PENDING -> r_status = OK
    :: k_phase != NONE && k_holder == me && k_phase != PENDING -> r_status = RETRY
    :: else ->
        if
#ifndef M_REACQUIRE
        :: k_past & BIT(me) -> r_status = SUPERSEDED
        :: else ->
#else
        :: true ->
#endif
            if
            :: (k_phase == PENDING || k_phase == ACTIVE) && !k_expired -> r_status = BUSY
            :: else -> grant(me, sequence)
            fi
        fi
    fi
}

#ifdef M_ANY_KEY
#define knows_key(key) true
#else
#define knows_key(key) ((key) == 0 || (key) == k_key || (k_rekeying && (key) == k_key + 1))
#endif

/* The key becomes the newer one together with the state that it opens. */
inline promote(key)
{
#ifdef M_KEEPS_KEY
    skip
#else
    if
    :: k_rekeying && key == k_key + 1 -> k_key = key; k_rekeying = false
    :: else
    fi
#endif
}

inline hold(phase, sequence)
{
    k_phase = phase;
    k_expired = false;
    k_sequence = sequence;
    r_status = OK
}

/* to == 0: nothing new */
inline advance(me, from, to, key, phase, sequence)
{
    if
    :: to != 0 && to == k_committed && k_written_in == k_epoch -> hold(phase, sequence)
    :: to != 0 && from_committed(from, to) -> commit(me, to); promote(key); hold(phase, sequence)
    :: to == 0 && from == k_committed -> hold(phase, sequence)
    :: else -> r_status = STALE
    fi
}

inline holder_asks(op, me, from, to, key, sequence)
{
    if
    :: op == CONFIRM && to != 0 && (k_phase == PENDING || to == k_committed) && knows_key(key) -> advance(me, from, to, key, ACTIVE, sequence)
    :: op == ANCHOR && to != 0 && k_phase != PENDING -> advance(me, from, to, 0, ACTIVE, sequence)
    :: op == RELEASE && k_phase != PENDING -> advance(me, from, to, 0, RELEASED, sequence)
    :: op == RENEW && k_phase != PENDING -> hold(ACTIVE, sequence)
    :: else -> r_status = STALE
    fi
}

inline complain(to)
{
    r_status = OK;
    if
    :: k_phase == PENDING ->
        k_phase = NONE;
        k_complaint = (to == 0 -> BLANK : to)
    :: else
    fi
}

/* A whole request; the answer is r_status and the record. */
inline kbs_step(op, me, lease, from, to, key, sequence)
{
    if
    :: op == PROBE ->
        if
        :: k_frozen -> r_status = FROZEN
        :: !k_frozen && (k_phase == PENDING || k_phase == ACTIVE) && !k_expired -> r_status = BUSY
        :: else -> r_status = OK
        fi
    :: op != PROBE && op != COMPLAIN && k_frozen -> r_status = FROZEN
    :: op == ACQUIRE && !k_frozen -> acquire(me, sequence)
    :: else ->
        if
        :: !may_act(me, lease) -> r_status = SUPERSEDED
        :: may_act(me, lease) && !in_sequence(sequence) -> r_status = RETRY
        :: else ->
            if
            :: op == COMPLAIN -> complain(to)
            :: else -> holder_asks(op, me, from, to, key, sequence)
            fi
        fi
    fi
}

/* The owner's commands. */

inline owner_break()
{
#ifdef M_BREAK_EXPIRES
    k_expired = true
#else
    k_phase = NONE;
    g_newest = 0
#endif
}

inline owner_accept()
{
    k_committed = (k_complaint == BLANK -> 0 : k_complaint);
    k_complaint = 0;
#ifdef M_ACCEPT_KEEPS_EPOCH
    k_written_in = s_epoch[k_committed];
#else
    k_written_in = 0;
#endif
    g_was_committed = g_was_committed | BIT(k_committed);
#ifndef M_ACCEPT_KEEPS_LEASE
    k_phase = NONE;
    g_newest = 0
#endif
}

/* The store is one of a backup. Nobody, boot 0, has the lease for as long as one lasts. */
inline owner_restored()
{
    k_phase = ACTIVE;
    k_holder = 0;
    k_lease = 0;
    k_expired = false;
    k_sequence = 0;
    k_complaint = 0;
    g_newest = 0
}

inline owner_cancel()
{
    k_rekeying = false;
#ifndef M_CANCEL_KEEPS_LEASE
    if
    :: k_phase == PENDING -> k_phase = NONE; g_newest = 0
    :: else
    fi
#endif
}
