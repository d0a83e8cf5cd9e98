/* SPDX-License-Identifier: MIT */
/* The table of certificates that a host hands to its guests, and they hand on. */
#ifndef SNPVTPM_KBS_EVIDENCE_CERTIFICATE_TABLE_H
#define SNPVTPM_KBS_EVIDENCE_CERTIFICATE_TABLE_H

#include <stdbool.h>

#include "kbs/evidence/certificates.h"

struct chain_cache;

/*
 * The certificates in a table as the extended guest request returns it (GHCB specification,
 * "SNP Extended Guest Request"). Entries of other kinds are passed over. False when the table is
 * malformed; *out is then empty. known spares parsing what was verified before; may be NULL.
 */
MUST_CHECK bool certificates_parse_table(const uint8_t *table, size_t size,
                                         struct chain_cache *known, struct certificates *out);

#endif
