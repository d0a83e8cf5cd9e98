/* SPDX-License-Identifier: MIT */
/*
 * The audit log: append-only lines of JSON, each chained to the one before by its hash.
 *
 * hash = SHA-256(hash of the line before || line); the first line follows 32 zero bytes. A line has
 * seq, time and event, then what the event needs. It never has keys, tokens, nonces or session
 * identifiers: reading the log gives nobody a secret.
 */
#ifndef SNPVTPM_KBS_AUDIT_AUDIT_H
#define SNPVTPM_KBS_AUDIT_AUDIT_H

#include <stdint.h>
#include <time.h>

#include <jansson.h>

#include "kbs/store/store.h"

#define AUDIT_HASH_SIZE 32
#define AUDIT_LINE_MAX  4096 /* bytes */

struct audit_entry {
    uint64_t seq; /* from 1 on */
    time_t time;
    const char *line; /* JSON, NUL-terminated, borrowed */
    uint8_t hash[AUDIT_HASH_SIZE];
};

/* Appends to the log as part of a unit of work, so that change and line are durable together.
 * Hands over members, a JSON object (kbs/log.h makes one of texts of any bytes); adds seq, time and
 * event. Of a line that would be longer than AUDIT_LINE_MAX the texts are cut. */
MUST_CHECK enum store_status audit_append(struct store_unit *unit, const char *event,
                                          json_t *members, time_t now);

/* The same, and *line is the line as it is stored, for who mirrors it when it is durable; the
 * caller frees it. NULL on failure. */
MUST_CHECK enum store_status audit_append_line(struct store_unit *unit, const char *event,
                                               json_t *members, time_t now, char **line);

/* Entries from seq on (at most limit of them, 0: all), oldest first. */
MUST_CHECK enum store_status
audit_each(struct store_unit *unit, uint64_t seq, unsigned limit,
           void (*visit)(void *context, const struct audit_entry *entry), void *context);

/* The last entry's seq and hash; 0 and zeros when there is none. */
MUST_CHECK enum store_status audit_head(struct store_unit *unit, uint64_t *seq,
                                        uint8_t hash[AUDIT_HASH_SIZE]);

struct audit_check {
    uint64_t entries;    /* that were checked */
    uint64_t first_bad;  /* seq of the first that does not follow from the one before; 0: none */
    const char *problem; /* in words; NULL when the chain is whole */
    uint8_t head[AUDIT_HASH_SIZE];
};

/* Checks the whole chain, and that it ends where the head says. */
MUST_CHECK enum store_status audit_verify(struct store_unit *unit, struct audit_check *check);

/*
 * The writer: lines that belong to no other change, from many threads, made durable many at a time.
 */
struct audit;

/* Starts the writer's thread; NULL without memory. mirror: also write each line to stderr. */
MUST_CHECK struct audit *audit_start(struct store *store, bool mirror);

/* A change that goes with a line: durable with it, or not at all. It may be called again after a
 * unit of work that failed, and must not fail for what only concerns itself. It may change the
 * members: the line is written behind it. */
typedef enum store_status audit_also(struct store_unit *unit, void *context);

/* Returns when the line, and what also (may be NULL) does, is durable, or says why it is not; hands
 * over members. */
MUST_CHECK enum store_status audit_record(struct audit *audit, const char *event, json_t *members,
                                          time_t now, audit_also *also, void *context);

/* Finishes what is queued and frees the writer: no audit_record may begin from now on. */
void audit_stop(struct audit *audit);

#endif
