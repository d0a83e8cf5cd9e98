/* SPDX-License-Identifier: MIT */
/* The CPUID page (SNP firmware ABI 56860, section "CPUID page"). */
#ifndef SNPVTPM_LIB_SNP_CPUID_PAGE_H
#define SNPVTPM_LIB_SNP_CPUID_PAGE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define CPUID_PAGE_ENTRIES_MAX 64

struct cpuid_entry {
    uint32_t eax_in, ecx_in;
    uint64_t xcr0_in, xss_in;
    uint32_t eax, ebx, ecx, edx;
    uint64_t reserved;
};

struct cpuid_page {
    uint32_t count;
    uint32_t reserved_4;
    uint64_t reserved_8;
    struct cpuid_entry entries[CPUID_PAGE_ENTRIES_MAX];
    uint8_t reserved_c10[0x1000 - 0xC10];
};

static_assert(sizeof(struct cpuid_entry) == 0x30, "CPUID page");
static_assert(offsetof(struct cpuid_page, entries) == 0x10, "CPUID page");
static_assert(sizeof(struct cpuid_page) == 0x1000, "CPUID page");

/* CPUID Fn8000_001F: EBX[5:0] C-bit position, [11:6] physical address bits lost, [15:12] VMPLs. */
#define CPUID_MEMORY_ENCRYPTION 0x8000001Fu
#define CPUID_ME_EAX_SEV        (1u << 1)
#define CPUID_ME_EAX_SEV_ES     (1u << 3)
#define CPUID_ME_EAX_SEV_SNP    (1u << 4)
#define CPUID_ME_EAX_VMPL       (1u << 5)
#define CPUID_ME_EBX_CBIT_MASK  0x3Fu

#endif
