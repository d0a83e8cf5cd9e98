/* SPDX-License-Identifier: MIT */
/*
 * Leases and anchoring of a state volume (docs/anchoring.md): SVSMs, one KBS, one disk, the host, the owner.
 *
 * The host keeps each VM's request and reply as long as it likes and delivers them as often as it likes, in any order,
 * or never; and it keeps one older request of each VM besides. A VM loses its power between any two steps.
 *
 * With HOSTILE the host shows any state that was ever written, or a blank disk, at any boot, and runs VMs beside each
 * other. Without, the disk is honest: three slots, a write that is cut leaves the old contents, the new ones or garbage,
 * and one VM at a time has it. Then I1 must hold, too. With LYING that disk says of writes that they are durable, and
 * they are not.
 *
 * With SAME_EPOCH a VM may go on without an answer of the KBS: several states are anchored as one, a batch.
 *
 * Bounds and parts: VMS, BOOTS, STATES, SEQUENCES, OWNER (commands), REKEYS (of these only those about keys), SAME_EPOCH,
 * LYING, PROMPT (no older request is kept), RESTORE. M_... takes out a rule.
 * CALM is for random runs: no power is lost in them while a VM is at work.
 *
 * What nothing depends on is set back, or not kept, so that fewer states have to be explored: replies that tell a VM
 * nothing, the time of a lease when one VM alone could count on it, the fields of a lease that is none.
 */
#include "kbs.pml"

#ifndef VMS
#define VMS 2
#endif
#ifndef BOOTS
#define BOOTS 3
#endif
#ifndef SEQUENCES
#define SEQUENCES 5
#endif
#ifndef OWNER
#define OWNER 0
#endif
#ifndef SLOTS
#define SLOTS 3
#endif

#define OFF     0 /* what a VM does */
#define ASKS    1 /* waits for the answer to ACQUIRE */
#define CHECKS  2 /* looks at the disk */
#define WRITES  3 /* a state is on its way to the disk */
#define WAITS   4 /* for the answer to what carries a state, or to RENEW, or RELEASE */
#define RUNS    5
#define AWAY    6 /* released; may come back */
#define STOPPED 7 /* fenced, or it complained */

byte v_does[VMS];
byte v_boot[VMS];
byte v_lease[VMS];
byte v_epoch[VMS];
byte v_committed[VMS]; /* as the KBS said last */
byte v_written_in[VMS];
byte v_state[VMS];     /* that the TPM has, and that is on the disk */
byte v_next[VMS];      /* being written or anchored */
byte v_keys[VMS];      /* the newest version it was given */
bool v_both[VMS];      /* and the one before it, too */
byte v_sequence[VMS];
bool v_confirmed[VMS];
bool v_serves[VMS];
bool v_trusts[VMS];    /* its lease, by its own clock */

typedef request {
    byte what = NOTHING; /* none */
    byte by, under, base, result, version, number;
};
request q_now[VMS]; /* what the VM waits for */
request q_old[VMS];
byte a_status[VMS]; /* the reply on its way */
bool a_there[VMS];
byte a_lease[VMS], a_epoch[VMS], a_committed[VMS], a_written_in[VMS], a_keys[VMS];
bool a_both[VMS];
bool a_fresh[VMS];  /* the lease that it tells of has not run out since */

byte g_boots;
byte g_states;
byte g_commands;
short g_written;   /* states that are complete on some copy of the disk */
short g_served;    /* states from which a boot began to answer */
byte g_acknowledged; /* the last state that a TPM's answer relied on */
byte g_promised;     /* likewise, of answers that waited for the KBS's */
byte g_accepted;     /* the last state that the owner accepted */
bool g_restored;
short g_broken;    /* boots whose lease an owner ended */
bool g_excused;    /* the owner said that states may be lost */

#ifndef HOSTILE
byte d_slot[SLOTS];   /* what is there after a power cut, whatever comes */
byte d_cached[SLOTS]; /* on its way there; 0: nothing */
#endif

/* I4 is about VMs beside each other. */
#if VMS > 1 || defined(CALM)
#define TIMED
#endif
#if defined(SAME_EPOCH) && !defined(HOSTILE) && !defined(LYING)
#define LOSES_NOTHING /* I1, for states that are not anchored */
#endif
#if defined(SAME_EPOCH) && (defined(HOSTILE) || defined(LYING))
#define PROMISES /* I5 */
#endif

#ifdef RESTORE
bool b_saved;
byte b_phase, b_holder, b_lease, b_sequence, b_epoch, b_committed, b_written_in, b_key;
bool b_expired;
short b_past;
#endif

/* Messages */

inline send(i, o, f, t)
{
    v_sequence[i] = v_sequence[i] + 1;
    q_now[i].what = o;
    q_now[i].by = v_boot[i];
    q_now[i].under = v_lease[i];
    q_now[i].base = f;
    q_now[i].result = t;
    q_now[i].version = v_keys[i];
    q_now[i].number = v_sequence[i];
    a_there[i] = false
}

inline clear_request(i)
{
    q_now[i].what = NOTHING;
    q_now[i].by = 0;
    q_now[i].under = 0;
    q_now[i].base = 0;
    q_now[i].result = 0;
    q_now[i].version = 0;
    q_now[i].number = 0
}

inline clear_reply(i)
{
    a_there[i] = false;
    a_status[i] = 0;
    a_lease[i] = 0;
    a_epoch[i] = 0;
    a_committed[i] = 0;
    a_written_in[i] = 0;
    a_keys[i] = 0;
    a_both[i] = false;
    a_fresh[i] = false
}

#define trace(q)                                                                                   \
    printf("KBS %d %d %d %d %d %d %d : %d : %d %d %d %d %d %d %d %d %d %d %d\n", q.what, q.by,      \
           q.under, q.base, q.result, q.version, q.number, r_status, k_phase, k_holder, k_lease,         \
           k_sequence, k_epoch, k_committed, k_written_in, k_frozen, k_complaint, k_key, k_rekeying)
#define trace_before(q)                                                                            \
    printf("AT %d %d %d\n", k_expired, s_counter[q.base], s_counter[q.result])

inline no_other_trusts(i)
{
    /* I4: who is granted a lease knows that nobody else relies on one. */
    n = 0;
    do
    :: n < VMS && n != i -> assert(!v_trusts[n]); n++
    :: n < VMS && n == i -> n++
    :: n == VMS -> break
    od;
    n = 0
}

/* Without a clock of its own, the lease's time is over whenever that makes a difference. */
inline let_expire(o, boot)
{
#ifndef TIMED
    if
    :: o == ACQUIRE && boot != k_holder && (k_phase == PENDING || k_phase == ACTIVE) && !k_expired -> k_expired = true
    :: true
    fi
#else
    skip
#endif
}

/* What does not count any more has one value. */
inline settle()
{
    r_status = 0;
#ifndef CALM
    if
    :: k_phase == NONE -> k_holder = 0; k_lease = 0; k_sequence = 0
    :: else
    fi;
    if
    :: k_phase == NONE || k_phase == RELEASED -> k_expired = false
    :: else
    fi;
#if OWNER == 0
    k_complaint = 0
#endif
#endif
}

inline answer(i)
{
    grants_before = g_grants;
    let_expire(q_now[i].what, q_now[i].by);
    trace_before(q_now[i]);
    kbs_step(q_now[i].what, q_now[i].by, q_now[i].under, q_now[i].base, q_now[i].result, q_now[i].version, q_now[i].number);
    trace(q_now[i]);
    if
    :: g_grants != grants_before -> no_other_trusts(i)
    :: else
    fi;
    assert(r_status != OK || q_now[i].what == COMPLAIN || !(g_broken & BIT(q_now[i].by)));
    if
    :: r_status == BUSY || r_status == RETRY || r_status == FROZEN /* it asks again */
    :: else ->
        clear_reply(i);
        a_there[i] = true;
        a_status[i] = r_status;
        if
        :: r_status == OK && q_now[i].what == ACQUIRE ->
            a_lease[i] = k_lease;
            a_epoch[i] = k_epoch;
            a_committed[i] = k_committed;
            a_written_in[i] = k_written_in;
            a_keys[i] = (k_rekeying -> k_key + 1 : k_key);
            a_both[i] = k_rekeying
        :: else
        fi;
#ifdef TIMED
        a_fresh[i] = (r_status == OK && k_phase == ACTIVE)
#endif
    fi;
    settle()
}

inline answer_old(i)
{
    grants_before = g_grants;
    let_expire(q_old[i].what, q_old[i].by);
    trace_before(q_old[i]);
    kbs_step(q_old[i].what, q_old[i].by, q_old[i].under, q_old[i].base, q_old[i].result, q_old[i].version, q_old[i].number);
    trace(q_old[i]);
    if
    :: g_grants != grants_before -> no_other_trusts(VMS)
    :: else
    fi;
    assert(r_status != OK || q_old[i].what == COMPLAIN || !(g_broken & BIT(q_old[i].by)));
    settle()
}

/* The disk */

#define opens_exactly(i, s) ((s) != 0 && (s) == v_committed[i])
#define opens_later(i, s)                                                                          \
    ((s) != 0 && k_same_epoch && v_committed[i] != 0 && v_written_in[i] != 0 &&                    \
     s_epoch[s] == v_written_in[i] && s_counter[s] >= s_counter[v_committed[i]])
#ifdef M_ONLY_NEWER_KEY
#define has_key(i, s) (s_key[s] == v_keys[i])
#else
#define has_key(i, s) (s_key[s] == v_keys[i] || (v_both[i] && s_key[s] + 1 == v_keys[i]))
#endif
#ifdef M_NO_COMPARE_AT_BOOT
#define opens(i, s) ((s) != 0 && has_key(i, s))
#else
#define opens(i, s) (has_key(i, s) && (opens_exactly(i, s) || opens_later(i, s)))
#endif

/* Found: the TPM loads it; its start-up changes it, and that is the first state to write. */
inline load(i, s)
{
    assert(g_accepted == 0 || v_committed[i] != g_accepted || s == g_accepted); /* I6 */
    v_state[i] = s;
    v_does[i] = RUNS; /* not yet confirmed: it writes, and does nothing else */
#ifdef M_SERVE_EARLY
    serve(i)
#endif
}

/* What none of its keys shows might as well not be there. */
inline complain_of(i, s)
{
    if
    :: has_key(i, s) -> send(i, COMPLAIN, 0, s)
    :: else -> send(i, COMPLAIN, 0, 0)
    fi;
    v_does[i] = STOPPED
}

#ifdef HOSTILE
inline look(i)
{
    if
    :: v_committed[i] == 0 -> load(i, 0)
#ifdef M_MANUFACTURES_AGAIN
    :: v_committed[i] != 0 -> load(i, 0)
#endif
    :: v_committed[i] != 0 && !v_confirmed[i] -> complain_of(i, 0)
    :: true ->
        n = 1;
        do
        :: n < g_states -> n++
        :: break
        od;
        if
        :: n <= g_states && (g_written & BIT(n)) && v_committed[i] != 0 && opens(i, n) -> load(i, n)
        :: n <= g_states && (g_written & BIT(n)) && v_committed[i] != 0 && !opens(i, n) -> complain_of(i, n)
        :: else
        fi;
        n = 0
    fi
}
#else
inline look(i)
{
    n = 0;
    best = 0;
    /* A later state counts only while the committed one is there. */
    do
    :: n < SLOTS && !(opens(i, d_slot[n]) && opens_exactly(i, d_slot[n])) -> n++
    :: n < SLOTS && opens(i, d_slot[n]) && opens_exactly(i, d_slot[n]) -> best = d_slot[n]; n = SLOTS
    :: n == SLOTS -> break
    od;
    n = (best == 0 -> SLOTS : 0);
    do
    :: n < SLOTS ->
        if
        :: opens(i, d_slot[n]) && (best == 0 || s_counter[d_slot[n]] > s_counter[best]) -> best = d_slot[n]
        :: else
        fi;
        n++
    :: n == SLOTS -> break
    od;
    if
    :: best != 0 ->
        /* What was acknowledged by the TPM of a machine whose power was cut is still there. */
#ifdef LOSES_NOTHING
        assert(g_excused || best == g_acknowledged || (s_before[best] & BIT(g_acknowledged)));
#endif
        load(i, best)
    :: best == 0 && v_committed[i] == 0 -> load(i, 0)
    :: else ->
#ifndef LYING
        assert(g_excused);                                                   /* I1 */
#endif
        n = 0;
        do
        :: n < SLOTS ->
            if
            :: d_slot[n] != 0 && (best == 0 || s_counter[d_slot[n]] > s_counter[best]) -> best = d_slot[n]
            :: else
            fi;
            n++
        :: n == SLOTS -> break
        od;
        complain_of(i, best)
    fi;
    n = 0;
    best = 0
}
#endif

#define shown(n) (d_cached[n] != 0 -> d_cached[n] : d_slot[n])

/* Which slot the next state goes to: not to what the KBS, or this TPM, may still need. */
inline put(i)
{
#ifndef HOSTILE
    n = 0;
    do
    :: n < SLOTS ->
        if
#ifdef M_OVERWRITES
        :: shown(n) != 0 || g_states == 1 -> break
#endif
#ifdef M_OVERWRITES_OPENED
        :: shown(n) != v_committed[i] || shown(n) == 0 -> break
#endif
#if !defined(M_OVERWRITES) && !defined(M_OVERWRITES_OPENED)
        :: shown(n) == 0 || (shown(n) != v_committed[i] && shown(n) != v_state[i]) -> break
#endif
        :: else -> n++
        fi
    :: n == SLOTS -> break
    od;
    assert(n < SLOTS);
    d_cached[n] = v_next[i];
    n = 0
#else
    g_written = g_written | BIT(v_next[i])
#endif
}

inline write(i)
{
    g_states = g_states + 1;
    v_next[i] = g_states;
#if defined(M_NO_COMPARE_AT_BOOT) || defined(M_MANUFACTURES_AGAIN)
    s_counter[g_states] = s_counter[v_committed[i]] + 1; /* or the KBS sees it by the counter alone */
#else
    s_counter[g_states] = s_counter[v_state[i]] + 1;
#endif
    s_epoch[g_states] = v_epoch[i];
    s_key[g_states] = v_keys[i];
    s_before[g_states] = s_before[v_state[i]] | BIT(v_state[i]);
    put(i);
    v_does[i] = WRITES
}

inline flush()
{
#ifndef HOSTILE
    n = 0;
    do
    :: n < SLOTS && d_cached[n] != 0 -> d_slot[n] = d_cached[n]; d_cached[n] = 0; n++
#ifdef LYING
    :: n < SLOTS && d_cached[n] != 0 -> n++
#endif
    :: n < SLOTS && d_cached[n] == 0 -> n++
    :: n == SLOTS -> break
    od;
    n = 0
#else
    skip
#endif
}

inline cut_writes()
{
#ifndef HOSTILE
    n = 0;
    do
    :: n < SLOTS ->
        if
        :: d_cached[n] != 0 -> d_slot[n] = d_cached[n]
        :: d_cached[n] != 0 -> d_slot[n] = 0
        :: true
        fi;
        d_cached[n] = 0;
        n++
    :: n == SLOTS -> break
    od;
    n = 0
#else
    skip
#endif
}

/* A VM */

inline serve(i)
{
    if
    :: !v_serves[i] ->
        v_serves[i] = true;
        assert(g_was_committed & BIT(v_state[i]));   /* I2: only what was the committed state once ... */
        /* I3: ... and no two activations from the same one, unless the KBS was made to forget the first. */
        assert(g_restored || !(g_served & BIT(v_state[i])));
        g_served = g_served | BIT(v_state[i])
    :: else
    fi
}

inline relies_on(i, s)
{
#ifdef LOSES_NOTHING
    if
    :: g_newest == v_boot[i] -> g_acknowledged = s
    :: else
    fi
#else
    skip
#endif
}

/* I5: what was answered after the KBS had it is in all that comes after, whatever the disk shows. */
inline promises(i, s)
{
#ifdef PROMISES
    if
    :: g_newest == v_boot[i] ->
        assert(g_excused || s == g_promised || g_promised == 0 || (s_before[s] & BIT(g_promised)));
        g_promised = s
    :: else
    fi
#else
    skip
#endif
}

inline stop(i)
{
    v_does[i] = STOPPED;
    v_serves[i] = false;
    v_trusts[i] = false;
    clear_request(i);
    clear_reply(i)
}

inline take_grant(i)
{
    v_lease[i] = a_lease[i];
    v_epoch[i] = a_epoch[i];
    v_committed[i] = a_committed[i];
    v_written_in[i] = a_written_in[i];
    v_keys[i] = a_keys[i];
    v_both[i] = a_both[i];
    v_does[i] = CHECKS
}

inline take_state(i)
{
    if
    :: q_now[i].result != 0 ->
        v_committed[i] = q_now[i].result;
        v_written_in[i] = v_epoch[i];
        v_state[i] = q_now[i].result;
        v_next[i] = 0;
        relies_on(i, v_state[i]);
        promises(i, v_state[i])
    :: else
    fi
}

inline take_ok(i)
{
    take_state(i);
#ifdef M_COUNTS_FROM_REPLY
    v_trusts[i] = q_now[i].what != RELEASE;
#else
    v_trusts[i] = q_now[i].what != RELEASE && a_fresh[i]; /* never, unless TIMED */
#endif
    if
    :: q_now[i].what == CONFIRM -> v_confirmed[i] = true; serve(i)
    :: else
    fi;
    v_does[i] = (q_now[i].what == RELEASE -> AWAY : RUNS)
}

inline take_reply(i)
{
    if
    :: v_does[i] == STOPPED -> clear_request(i); clear_reply(i)
    :: v_does[i] != STOPPED && (a_status[i] == SUPERSEDED || a_status[i] == STALE) -> stop(i)
    :: v_does[i] != STOPPED && a_status[i] == OK && q_now[i].what == ACQUIRE ->
        take_grant(i); clear_request(i); clear_reply(i)
    :: v_does[i] != STOPPED && a_status[i] == OK && q_now[i].what != ACQUIRE ->
        take_ok(i); clear_request(i); clear_reply(i)
    fi
}

inline power_off(i)
{
    v_does[i] = OFF;
    v_lease[i] = 0;
    v_epoch[i] = 0;
    v_committed[i] = 0;
    v_written_in[i] = 0;
    v_state[i] = 0;
    v_next[i] = 0;
    v_keys[i] = 0;
    v_both[i] = false;
    v_sequence[i] = 0;
    v_boot[i] = 0;
    v_confirmed[i] = false;
    v_serves[i] = false;
    v_trusts[i] = false;
    clear_request(i);
    clear_reply(i);
    cut_writes()
}

/* VMs are alike: the first to start is the first. */
#define may_boot(i) (g_boots < BOOTS && ((i) == 0 || g_boots > 0))

/* In random runs it would never get anywhere else. */
#ifdef CALM
#define may_lose_power(i) (v_does[i] == AWAY || v_does[i] == STOPPED)
#else
#define may_lose_power(i) (v_does[i] != OFF)
#endif

proctype svsm(byte i)
{
    byte n = 0;
    byte best = 0;

    do
    :: atomic { v_does[i] == OFF && may_boot(i) ->
        g_boots = g_boots + 1;
        v_boot[i] = g_boots;
        v_does[i] = ASKS;
        send(i, ACQUIRE, 0, 0) }
    :: atomic { v_does[i] == CHECKS -> look(i) }
    /* Start-up, and each command that changes the state; in doubt nothing else is written. */
    :: atomic { v_does[i] == RUNS && g_states < STATES && (v_confirmed[i] || v_next[i] == 0) -> write(i) }
#ifdef M_WRITES_IN_DOUBT
    :: atomic { v_does[i] == WAITS && v_next[i] != 0 && g_states < STATES -> clear_request(i); clear_reply(i); v_state[i] = v_next[i]; write(i) }
#endif
    :: atomic { v_does[i] == WRITES ->
#ifndef M_NO_FLUSH
        flush();
#endif
        if
        :: !v_confirmed[i] -> send(i, CONFIRM, v_committed[i], v_next[i]); v_does[i] = WAITS
        :: v_confirmed[i] -> send(i, ANCHOR, v_committed[i], v_next[i]); v_does[i] = WAITS
#ifdef SAME_EPOCH
        /* A part of a batch: answered now, and anchored with what follows. */
        :: v_confirmed[i] ->
            v_state[i] = v_next[i];
            v_next[i] = 0;
            relies_on(i, v_state[i]);
#ifdef M_PROMISES_EARLY
            promises(i, v_state[i]);
#endif
            v_does[i] = RUNS
#endif
        fi }
#ifdef SAME_EPOCH
    :: atomic { v_does[i] == RUNS && v_confirmed[i] && v_state[i] != v_committed[i] && v_sequence[i] < SEQUENCES ->
        send(i, ANCHOR, v_committed[i], v_state[i]); v_does[i] = WAITS }
#endif
    :: atomic { (v_does[i] == RUNS || v_does[i] == AWAY) && v_confirmed[i] && v_sequence[i] < SEQUENCES ->
        send(i, RENEW, 0, 0); v_does[i] = WAITS }
    :: atomic { v_does[i] == RUNS && v_confirmed[i] && v_sequence[i] < SEQUENCES ->
        v_trusts[i] = false;
        send(i, RELEASE, v_committed[i], (v_state[i] == v_committed[i] -> 0 : v_state[i])); v_does[i] = WAITS }
    /* No answer came: the same once more, over a challenge of its own. */
    :: atomic { (v_does[i] == ASKS || v_does[i] == WAITS) && q_now[i].what != NOTHING && v_sequence[i] < SEQUENCES ->
        v_sequence[i] = v_sequence[i] + 1; q_now[i].number = v_sequence[i]; clear_reply(i) }
    :: atomic { a_there[i] -> take_reply(i) }
    :: atomic { may_lose_power(i) -> power_off(i) }
    od
}

proctype host(byte i)
{
    byte n = 0;
    byte grants_before = 0;

    do
    :: atomic { q_now[i].what != NOTHING -> answer(i); grants_before = 0 }
#ifndef PROMPT
    :: atomic { q_now[i].what != NOTHING && q_now[i].what != COMPLAIN && q_old[i].number != q_now[i].number ->
        q_old[i].what = q_now[i].what;
        q_old[i].by = q_now[i].by;
        q_old[i].under = q_now[i].under;
        q_old[i].base = q_now[i].base;
        q_old[i].result = q_now[i].result;
        q_old[i].version = q_now[i].version;
        q_old[i].number = q_now[i].number }
    :: atomic { q_old[i].what != NOTHING -> answer_old(i); grants_before = 0 }
#endif
    od
}

/* Who relies on the lease by a clock of its own has stopped before: it counts from when it asked. */
inline give_up_trust()
{
    n = 0;
    do
    :: n < VMS ->
        if
        /* Whoever had it before the store was restored, it is over for him, too. */
        :: v_boot[n] == k_holder || k_holder == 0 -> v_trusts[n] = false; a_fresh[n] = false
        :: else
        fi;
        n++
    :: n == VMS -> break
    od;
    n = 0
}

#ifdef TIMED
proctype clock()
{
    byte n = 0;

    do
    :: atomic { (k_phase == PENDING || k_phase == ACTIVE) && !k_expired -> k_expired = true; give_up_trust() }
    od
}
#endif

#if OWNER > 0
proctype owner()
{
    byte n = 0;

    do
#ifndef REKEYS
    :: atomic { g_commands < OWNER && k_phase != NONE ->
        g_commands = g_commands + 1;
        give_up_trust();
        g_broken = g_broken | BIT(k_holder);
        owner_break();
        settle();
        printf("OWNER break\n") }
    :: atomic { g_commands < OWNER && k_complaint != 0 ->
        g_commands = g_commands + 1;
        if
        :: k_phase != NONE -> give_up_trust(); g_broken = g_broken | BIT(k_holder)
        :: else
        fi;
        g_excused = true;
        owner_accept();
        g_accepted = k_committed;
        g_promised = 0;
        settle();
        printf("OWNER accept\n") }
    :: atomic { g_commands < OWNER && !k_frozen -> g_commands = g_commands + 1; k_frozen = true; printf("OWNER freeze\n") }
    :: atomic { k_frozen -> k_frozen = false; printf("OWNER thaw\n") }
#endif
    :: atomic { g_commands < OWNER && !k_rekeying && k_committed != 0 -> g_commands = g_commands + 1; k_rekeying = true; printf("OWNER rekey\n") }
#if defined(CALM) || defined(REKEYS)
    :: atomic { g_commands < OWNER && k_rekeying ->
        g_commands = g_commands + 1;
        if
#ifndef M_CANCEL_KEEPS_LEASE
        :: k_phase == PENDING -> give_up_trust(); g_broken = g_broken | BIT(k_holder)
#endif
        :: else
        fi;
        owner_cancel();
        settle();
        printf("OWNER cancel\n") }
#endif
    od
}
#endif

#ifdef RESTORE
proctype backup()
{
    atomic {
        b_phase = k_phase; b_holder = k_holder; b_lease = k_lease; b_sequence = k_sequence; b_epoch = k_epoch;
        b_committed = k_committed; b_written_in = k_written_in; b_key = k_key; b_past = k_past; b_expired = k_expired;
        b_saved = true
    };
    atomic {
        k_phase = b_phase; k_holder = b_holder; k_lease = b_lease; k_sequence = b_sequence; k_epoch = b_epoch;
        k_committed = b_committed; k_written_in = b_written_in; k_key = b_key; k_past = b_past; k_expired = b_expired;
#ifdef M_RESTORED_LEASES_HOLD
        g_newest = (k_phase == NONE -> 0 : k_holder);
#else
        owner_restored();
        printf("OWNER restored\n");
#endif
        g_restored = true;
        g_excused = true
    }
}
#endif

init
{
    byte i = 0;

    atomic {
#ifdef SAME_EPOCH
        k_same_epoch = true;
        printf("POLICY same-epoch\n");
#endif
        do
        :: i < VMS -> run svsm(i); run host(i); i++
        :: i == VMS -> break
        od;
        i = 0;
#ifdef TIMED
        run clock();
#endif
#if OWNER > 0
        run owner();
#endif
#ifdef RESTORE
        run backup();
#endif
    }
}
