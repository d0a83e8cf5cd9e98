/* SPDX-License-Identifier: MIT */
/* Columns that hold wrapped bytes. Private to the store. */
#ifndef SNPVTPM_KBS_STORE_WRAPPED_H
#define SNPVTPM_KBS_STORE_WRAPPED_H

#include "kbs/store/db.h"

/* A wrapped copy of size bytes, which the caller frees; NULL without memory or entropy. */
MUST_CHECK uint8_t *wrapped_new(const struct store_unit *unit, const char *context,
                                const void *bytes, size_t size);

/*
 * The one wrapped value that a statement gives as "version, wrapped", unwrapped as that version of
 * what key (text or bytes) names; the caller wipes and frees it. STORE_NOT_FOUND without a row,
 * STORE_RETIRED for one whose value is gone.
 */
MUST_CHECK enum store_status wrapped_fetch(struct store_unit *unit, const char *kind,
                                           struct db_value key, const char *sql,
                                           const struct db_value *values, size_t count,
                                           uint8_t **bytes, size_t *size);

/* What a wrapped value is bound to: "secret PATH VERSION", "volume HEX VERSION" and so on. */
void wrapped_context(char text[WRAP_CONTEXT_MAX], const char *kind, struct db_value key,
                     uint64_t version);

#endif
