/* SPDX-License-Identifier: MIT */
/*
 * Launching a guest: SNP_LAUNCH_START, _UPDATE and _FINISH (SNP firmware ABI 56860, chapter 8).
 *
 * These work on memory that the caller has found in RAM; a command that fails leaves the guest
 * context as it was.
 */
#ifndef SNPVTPM_EMULATOR_AMD_SP_LAUNCH_H
#define SNPVTPM_EMULATOR_AMD_SP_LAUNCH_H

#include <stddef.h>
#include <stdint.h>

#include "emulator/amd-sp/guest_context.h"
#include "emulator/amd-sp/id_block.h"

/* Consecutive pages for SNP_LAUNCH_UPDATE. */
struct launch_pages {
    uint64_t type; /* enum snp_page_type, not yet checked */
    uint64_t gpa;
    uint8_t *bytes; /* shared with the machine; count pages */
    uint64_t count;
    uint64_t vmpl_permissions; /* LAUNCH_PERMISSIONS(), not yet checked */
};

/* What SNP_LAUNCH_FINISH is given; all are copies that nobody changes, and may be NULL. */
struct launch_finish {
    const struct id_block *id_block;
    const struct id_auth *id_auth; /* NULL only without ID block */
    bool author_key_en;
    const uint8_t *host_data; /* HOST_DATA_SIZE bytes; NULL for zeros */
};

/* Makes the guest's keys and begins its digest. fms is CPUID Fn1 EAX of the machine. */
enum snp_status launch_start(struct guest_context *guest, uint64_t policy, uint32_t fms);

/*
 * Measures pages and makes them what the guest will find: SECRETS pages are written, ZERO pages
 * zeroed, CPUID pages checked against the C-bit position (and corrected, when refused).
 */
enum snp_status launch_update(struct guest_context *guest, const struct launch_pages *pages,
                              uint32_t cbit);

enum snp_status launch_finish(struct guest_context *guest, const struct launch_finish *finish);

#endif
