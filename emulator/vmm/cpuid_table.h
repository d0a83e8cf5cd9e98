/* SPDX-License-Identifier: MIT */
/* What CPU the guest is told it has: the machine's, with SEV-SNP and without SVM. */
#ifndef SNPVTPM_EMULATOR_VMM_CPUID_TABLE_H
#define SNPVTPM_EMULATOR_VMM_CPUID_TABLE_H

#include "emulator/platform/host.h"
#include "lib/snp/cpuid_page.h"

/* The answer to CPUID: for the CPUID page and for guests that ask the VMM. */
struct cpuid_result guest_cpuid(uint32_t leaf, uint32_t subleaf, uint64_t xcr0);

void cpuid_table_fill(struct cpuid_page *page);

#endif
