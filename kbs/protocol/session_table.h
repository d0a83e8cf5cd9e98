/* SPDX-License-Identifier: MIT */
/* Sessions in memory: found by their identifiers' hash, ordered by age. Used by session.c only. */
#ifndef SNPVTPM_KBS_PROTOCOL_SESSION_TABLE_H
#define SNPVTPM_KBS_PROTOCOL_SESSION_TABLE_H

#include "kbs/protocol/session.h"

struct session_table;

MUST_CHECK struct session_table *session_table_new(size_t capacity);
void session_table_free(struct session_table *table);

/* As the functions of session.h. id has SESSION_ID_LENGTH characters; a grant is encoded. */
void session_table_open(struct session_table *table, const char *id,
                        const struct session_nonce *nonce, time_t now);
MUST_CHECK enum session_status session_table_spend(struct session_table *table, const char *id,
                                                   time_t now, struct session_nonce *nonce);
MUST_CHECK enum session_status session_table_grant(struct session_table *table, const char *id,
                                                   time_t now, const uint8_t *grant, size_t size);

/* grant has room for GRANT_SIZE_MAX. */
MUST_CHECK enum session_status session_table_find(struct session_table *table, const char *id,
                                                  time_t now, uint8_t *grant, size_t *size);

bool session_table_has_use(struct session_table *table, const char *id, time_t now);

#endif
