/* SPDX-License-Identifier: MIT */
/*
 * What the AMD-SP demands of a CPUID page (SNP firmware ABI 56860, "CPUID page").
 *
 * Checked: the count, every reserved field, and in leaf 8000_001F the C-bit position and the number
 * of VMPLs. Not checked: the other leaves, because what a real chip compares with its hardware has
 * no counterpart here (the machine runs on whichever CPU QEMU models).
 */
#ifndef SNPVTPM_EMULATOR_AMD_SP_CPUID_PAGE_CHECK_H
#define SNPVTPM_EMULATOR_AMD_SP_CPUID_PAGE_CHECK_H

#include <stdint.h>

#include "lib/snp/cpuid_page.h"
#include "lib/snp/guest_message.h"

/*
 * SNP_SUCCESS, or SNP_INVALID_PARAM; where a value was at fault, it has been replaced by the
 * allowed one (as the firmware does, so that the host can read the page and retry). Pass a private
 * copy.
 */
enum snp_status cpuid_page_check(struct cpuid_page *page, uint32_t cbit);

#endif
