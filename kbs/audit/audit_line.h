/* SPDX-License-Identifier: MIT */
/* Lines as they are stored: appending several in one unit of work, and reading them. Private to the
 * audit log. */
#ifndef SNPVTPM_KBS_AUDIT_AUDIT_LINE_H
#define SNPVTPM_KBS_AUDIT_AUDIT_LINE_H

#include "kbs/audit/audit.h"

/* The hash of a line that follows one of that hash; false when libcrypto fails. */
MUST_CHECK bool audit_hash(const uint8_t before[AUDIT_HASH_SIZE], const char *line, size_t length,
                           uint8_t hash[AUDIT_HASH_SIZE]);

/* The tail, for who only looks. */
MUST_CHECK enum store_status audit_tail(struct store_unit *unit, struct audit_tail *tail);

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

/* A row as it is stored. What an append could not have left there makes it broken. */
struct audit_row {
    struct audit_entry entry;
    size_t length; /* of the line */
    bool broken;
};

typedef void audit_visit_row(void *context, const struct audit_row *row);

/* As audit_each(), with whatever is there. */
MUST_CHECK enum store_status audit_each_row(struct store_unit *unit, uint64_t seq, unsigned limit,
                                            audit_visit_row *visit, void *context);

#endif
