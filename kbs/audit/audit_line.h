/* SPDX-License-Identifier: MIT */
/* Appending several lines in one unit of work. Private to the audit log. */
#ifndef SNPVTPM_KBS_AUDIT_AUDIT_LINE_H
#define SNPVTPM_KBS_AUDIT_AUDIT_LINE_H

#include "kbs/audit/audit.h"

/* The last line; seq 0 and zeros before the first one. */
struct audit_tail {
    uint64_t seq;
    uint8_t hash[AUDIT_HASH_SIZE];
};

/* Reads the tail, which from here to the end of the unit is this unit's alone to move. */
MUST_CHECK enum store_status audit_lock(struct store_unit *unit, struct audit_tail *tail);

/* Adds a line after the tail, and makes it the tail. Borrows members; *line is the caller's to
 * free, and NULL on failure. */
MUST_CHECK enum store_status audit_add(struct store_unit *unit, struct audit_tail *tail,
                                       const char *event, json_t *members, time_t now, char **line);

/* Stores the tail, after the last line of the unit. */
MUST_CHECK enum store_status audit_store_tail(struct store_unit *unit,
                                              const struct audit_tail *tail);

/* Whether the log has this very line: STORE_OK or STORE_NOT_FOUND. */
MUST_CHECK enum store_status audit_has(struct store_unit *unit, const struct audit_tail *tail);

#endif
