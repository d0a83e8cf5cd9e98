/* SPDX-License-Identifier: MIT */
/*
 * Whose turn it is to ask the KBS. To the KBS all VMs of this host are one client, which may have
 * so many connections and open so many sessions a second. What it takes is shared out among the
 * peers: whoever was served the longest time ago comes next, however many others of a peer wait.
 *
 * The rate is not known here and need not be: as long as the KBS takes what it is asked, nobody
 * waits. When it says that it was too much, all wait for as long as it wants; then one goes, and
 * for each whom it took one more at the same time.
 */
#ifndef SNPVTPM_PROXY_TURNS_H
#define SNPVTPM_PROXY_TURNS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/must_check.h"

/* A KBS limits new sessions apart from all else. */
enum turn_kind {
    TURN_SESSION,
    TURN_EVIDENCE,
    TURN_KINDS,
};

struct turns;

/* What a peer had of it. All zero at first; then only the functions below look at it. */
struct turn_share {
    unsigned held;
    uint64_t last; /* when it was last served, counted in turns */
};

/* One conversation's. */
struct turn {
    struct turns *turns;
    struct turn_share *share;
    enum turn_kind kind; /* of the turn that it has */
    bool held;
};

/* At most places turns are held at once. NULL without memory. */
MUST_CHECK struct turns *turns_new(unsigned places);

/* Not while anybody waits or has a turn. */
void turns_free(struct turns *turns);

/* How many wait for one. */
unsigned turns_waiting(struct turns *turns);

/*
 * Waits for a turn, unless it has one; of its share's peer no more are held than places are free,
 * so that there is one for whoever has none. False: it did not come by the deadline of the
 * monotonic clock, or the KBS does not want to be asked before.
 */
MUST_CHECK bool turn_take(struct turn *turn, enum turn_kind kind, int64_t deadline_ms);

/*
 * Gives it back, if it has one. pause_ms is 0, or for how long the KBS, which did not take the
 * request, wants no more of this kind; the peer then counts as not served.
 */
void turn_end(struct turn *turn, int64_t pause_ms);

#endif
