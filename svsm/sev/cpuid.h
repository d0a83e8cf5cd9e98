/* SPDX-License-Identifier: MIT */
/*
 * CPUID from the CPUID page, which the AMD-SP has checked, never from the host (56421,
 * section 2.7).
 *
 * Neither the answers about topology nor those that the AMD-SP does not check decide anything here.
 */
#ifndef SNPVTPM_SVSM_SEV_CPUID_H
#define SNPVTPM_SVSM_SEV_CPUID_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/snp/cpuid_page.h"
#include "svsm/base/status.h"

struct cpuid_registers {
    uint32_t eax, ebx, ecx, edx;
};

/* State of the CPU that some leaves mirror. */
struct cpuid_context {
    bool os_xsave;
    uint64_t xcr0;
};

/* Finds a leaf in a page and applies the fix-ups of a single vCPU with APIC ID 0; zeros when
 * absent. */
struct cpuid_registers cpuid_look_up(const struct cpuid_page *page,
                                     const struct cpuid_context *context, uint32_t leaf,
                                     uint32_t subleaf);

/* CPUID as this kernel and its services see it on one vCPU. */
struct cpuid {
    struct cpuid_page page;
    struct cpuid_context context;
};

/* Keeps a copy of the launch's page. STATUS_BAD_FORMAT when it holds more entries than can be. */
MUST_CHECK enum status cpuid_init(struct cpuid *cpuid, const struct cpuid_page *page);

/* Tells which XCR0 is in force from now on. */
void cpuid_set_xcr0(struct cpuid *cpuid, uint64_t xcr0);

struct cpuid_registers cpuid_read(const struct cpuid *cpuid, uint32_t leaf, uint32_t subleaf);

#endif
