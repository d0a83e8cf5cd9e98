/* SPDX-License-Identifier: MIT */
/*
 * CPUID from the CPUID page, which the AMD-SP has checked, never from the host (56421,
 * section 2.7).
 *
 * Neither the answers about topology nor those that the AMD-SP does not check decide anything here.
 */
#ifndef SVSM_SEV_CPUID_H
#define SVSM_SEV_CPUID_H

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

/* Keeps a copy of the launch's page. STATUS_BAD_FORMAT when it holds more entries than can be. */
MUST_CHECK enum status cpuid_init(const struct cpuid_page *page);

/* The page as kept, for the guest. */
const struct cpuid_page *cpuid_page(void);

/* Tells which XCR0 is in force from now on. */
void cpuid_set_xcr0(uint64_t xcr0);

/* CPUID as this kernel and its services see it. */
struct cpuid_registers cpuid_read(uint32_t leaf, uint32_t subleaf);

#endif
