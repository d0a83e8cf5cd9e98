/* SPDX-License-Identifier: MIT */
/* The certificate table of the extended guest request (GHCB specification 56421, section 4.1.8). */
#ifndef SNPVTPM_SERVICES_ATTEST_CERTIFICATE_TABLE_H
#define SNPVTPM_SERVICES_ATTEST_CERTIFICATE_TABLE_H

#include <stddef.h>

#include "lib/base/must_check.h"

#define CERTIFICATE_TABLE_GUID_SIZE  16
#define CERTIFICATE_TABLE_ENTRY_SIZE (CERTIFICATE_TABLE_GUID_SIZE + 2 * 4)

/*
 * How many bytes of the given pages the table and its certificates take; 0 when it lists none, or
 * when it is malformed. The certificates themselves are the KBS's to judge.
 */
MUST_CHECK size_t certificate_table_size(const void *pages, size_t size);

#endif
