/* SPDX-License-Identifier: MIT */
/*
 * The watch over the log: a thread that verifies the chain from its beginning when the server
 * starts, follows it as it grows, and verifies all of it again from time to time. So who asks for
 * its state need not wait until it is read from end to end.
 *
 * Up to which line the chain was verified, and that line's hash, are in this process's memory
 * alone, where nobody who has the database can change them: a log that was cut, or written anew
 * with hashes that fit, does not have that line. A line before it that was changed without care for
 * the hashes is found when all is verified again.
 *
 * It also removes lines that were pruned (audit_segment.h).
 */
#ifndef SNPVTPM_KBS_AUDIT_AUDIT_WATCH_H
#define SNPVTPM_KBS_AUDIT_AUDIT_WATCH_H

#include "kbs/audit/audit.h"
#include "kbs/keys/keyring.h"

struct audit_watch;

struct audit_state {
    uint64_t archived;             /* the log begins behind this line */
    uint64_t last;                 /* number of its last line */
    uint64_t line;                 /* up to which the chain is known to be whole */
    uint8_t head[AUDIT_HASH_SIZE]; /* the hash of that line */
    time_t seen;                   /* when that was found */
    time_t whole;   /* when all of it was last verified, from its beginning; 0: not yet */
    uint64_t again; /* up to which line it is being verified again; 0: it is not */
    uint64_t first_bad;
    const char *problem; /* in words; NULL: none is known */
};

/* Verifies the whole log again each whole_every seconds at the most often, and never more than
 * about a fiftieth of the time. Store and keyring are borrowed. NULL without memory. */
MUST_CHECK struct audit_watch *audit_watch_start(struct store *store, struct keyring *keyring,
                                                 unsigned whole_every);

void audit_watch_stop(struct audit_watch *watch);

/* What is known, with the last lines of the log: of those that the watch did not come to yet some
 * are verified here. unit is one that may only look, too. */
MUST_CHECK enum store_status audit_watch_look(struct audit_watch *watch, struct store_unit *unit,
                                              struct audit_state *state);

/* Has the thread look for lines to remove, at once. */
void audit_watch_pruned(struct audit_watch *watch);

/* Has it verify the whole log once more, and waits for that; false when it took longer than so many
 * seconds. */
MUST_CHECK bool audit_watch_verify(struct audit_watch *watch, unsigned seconds);

#endif
