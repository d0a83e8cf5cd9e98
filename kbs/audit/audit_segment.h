/* SPDX-License-Identifier: MIT */
/*
 * The log's documented end. An owner closes a segment, the lines from the end of the segment before
 * up to some line, and the KBS signs that line's hash as the segment's head. When the owner has the
 * segment in a file, he names the head again, and the KBS prunes: from then on its log begins
 * behind the segment, and the chain goes on from the head. Pruned lines are removed afterwards,
 * some at a time, so that no other change waits for them; until then nobody is shown them.
 *
 * Which head the log begins with is itself signed (statement.h), so that who writes to the database
 * cannot remove lines and say that they were archived.
 */
#ifndef SNPVTPM_KBS_AUDIT_AUDIT_SEGMENT_H
#define SNPVTPM_KBS_AUDIT_AUDIT_SEGMENT_H

#include "kbs/audit/audit.h"
#include "kbs/audit/statement.h"
#include "kbs/keys/keyring.h"

#define AUDIT_STATEMENT_MAX 2048 /* characters of a signed one */

struct audit_segment {
    struct statement segment; /* as it was closed */
    uint8_t signer[SIGNING_KEY_ID_SIZE];
    char statement[AUDIT_STATEMENT_MAX + 1];
    time_t pruned; /* 0: its lines are still in the log */
};

/* Makes a key that signs heads, with a line of the log about it, unless there is one. */
MUST_CHECK enum store_status audit_segment_make_key(struct store *store, struct keyring *keyring,
                                                    time_t now);

/* The line that the log's first one follows: the head of the last segment that was pruned; zeros
 * when none was. */
MUST_CHECK enum store_status audit_base(struct store_unit *unit, struct audit_tail *base);

/* Whether an owner's pruning of that segment was signed by a key of the KBS; *problem in words if
 * not, else NULL. Nothing to sign where nothing was pruned. */
MUST_CHECK enum store_status audit_base_check(struct store_unit *unit, struct keyring *keyring,
                                              const char **problem);

/* Oldest first. */
MUST_CHECK enum store_status audit_segment_each(struct store_unit *unit,
                                                void (*visit)(void *context,
                                                              const struct audit_segment *segment),
                                                void *context);

/* The last line that can be archived: the newest that was written until that time; 0 when the
 * segments that are closed already have all such lines. */
MUST_CHECK enum store_status audit_segment_candidate(struct store_unit *unit, time_t until,
                                                     uint64_t *last);

/*
 * Closes the segment that ends with this line. STORE_NOT_FOUND: there is no such line, or its hash
 * is not head; STORE_EXISTS: it is in a closed segment already; STORE_FAILED also without a key.
 */
MUST_CHECK enum store_status audit_segment_close(struct store_unit *unit, struct keyring *keyring,
                                                 uint64_t last, const uint8_t head[AUDIT_HASH_SIZE],
                                                 time_t now, struct audit_segment *segment);

/*
 * Prunes the segment that ends with this line. STORE_NOT_FOUND: no segment does, or its head is
 * another; STORE_RETIRED: it was pruned before; STORE_IN_USE: an older one has to be pruned first.
 */
MUST_CHECK enum store_status audit_segment_prune(struct store_unit *unit, struct keyring *keyring,
                                                 uint64_t last, const uint8_t head[AUDIT_HASH_SIZE],
                                                 time_t now, struct audit_segment *segment);

/* Removes up to limit lines that were pruned, and counts them. */
MUST_CHECK enum store_status audit_remove_pruned(struct store_unit *unit, unsigned limit,
                                                 uint64_t *count);

/* STORE_OK when what the key signed is still needed: the head that the log begins with, or that of
 * a segment that was not pruned. STORE_NOT_FOUND if not. */
MUST_CHECK enum store_status audit_key_is_needed(struct store_unit *unit,
                                                 const uint8_t id[SIGNING_KEY_ID_SIZE]);

#endif
