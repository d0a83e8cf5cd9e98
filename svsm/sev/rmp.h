/* SPDX-License-Identifier: MIT */
/*
 * Pages of memory whose state the kernel itself knows. There, any surprise is an attack and ends
 * the VM; the guest's own pages are for requests/pvalidate.c, by the instructions themselves.
 */
#ifndef SNPVTPM_SVSM_SEV_RMP_H
#define SNPVTPM_SVSM_SEV_RMP_H

#include <stddef.h>
#include <stdint.h>

#include "svsm/arch/rmp.h"

/* The words for a result, for the console. */
const char *rmp_result_text(enum rmp_result result);

/*
 * Validates a range, in 2 MiB pages where the host mapped such, and zeroes it: before that it may
 * hold anything. Every page must be invalid before.
 */
void rmp_validate_own(gpa_t start, uint64_t size);

/* Makes a validated page of the kernel invalid, to share it. */
void rmp_rescind_own(gpa_t page);

/* Gives vmpl all permissions on a range of validated 4 KiB pages. */
void rmp_grant_own(gpa_t start, uint64_t size, unsigned vmpl);

#endif
