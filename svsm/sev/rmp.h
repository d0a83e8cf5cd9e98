/* SPDX-License-Identifier: MIT */
/*
 * PVALIDATE and RMPADJUST (APM vol. 3), through the direct map.
 *
 * The basic calls return the instruction's own code (enum rmp_status), for the guest's requests.
 * The ..._own calls are for memory whose state the kernel itself knows: there, any surprise is an
 * attack and ends the VM.
 */
#ifndef SVSM_SEV_RMP_H
#define SVSM_SEV_RMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/snp/page.h"
#include "svsm/mm/address.h"

/* The instruction faulted: page not mapped, or (RMPADJUST) not validated.
 * Not an architected code. */
#define RMP_FAULTED 0xFFFFFFFFu

enum rmp_page_size {
    RMP_4K = 0,
    RMP_2M = 1,
};

/* Sets (or rescinds) Validated; *unchanged when it already was so. */
uint32_t rmp_validate(gpa_t page, enum rmp_page_size size, bool validate, bool *unchanged);

/* Sets the permissions of vmpl: enum rmp_permission bits, and whether the page is a VMSA. */
uint32_t rmp_adjust(gpa_t page, enum rmp_page_size size, unsigned vmpl, uint8_t permissions,
                    bool vmsa);

/* Takes all permissions from all VMPLs but 0, up from first_vmpl; returns the first failure. */
uint32_t rmp_revoke(gpa_t page, enum rmp_page_size size, unsigned first_vmpl);

/* Validates a range, in 2 MiB pages where the host mapped such.
 * Every page must be invalid before. */
void rmp_validate_own(gpa_t start, uint64_t size);

/* Makes a validated page of the kernel invalid, to share it. */
void rmp_rescind_own(gpa_t page);

/* Gives vmpl all permissions on a range of validated 4 KiB pages. */
void rmp_grant_own(gpa_t start, uint64_t size, unsigned vmpl);

#endif
