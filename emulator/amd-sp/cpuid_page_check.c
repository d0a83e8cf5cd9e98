/* SPDX-License-Identifier: MIT */
#include "emulator/amd-sp/cpuid_page_check.h"

#include <stddef.h>

#include "lib/snp/page.h"

#define EBX_VMPLS_SHIFT 12
#define EBX_VMPLS_MASK  0xFu

/* EBX of leaf 8000_001F that this machine allows, nearest to the one given. */
static uint32_t allowed_ebx(uint32_t ebx, uint32_t cbit)
{
    uint32_t vmpls = ebx >> EBX_VMPLS_SHIFT & EBX_VMPLS_MASK;

    if (vmpls > VMPL_COUNT)
        vmpls = VMPL_COUNT;
    ebx &= ~(CPUID_ME_EBX_CBIT_MASK | EBX_VMPLS_MASK << EBX_VMPLS_SHIFT);
    return ebx | (cbit & CPUID_ME_EBX_CBIT_MASK) | vmpls << EBX_VMPLS_SHIFT;
}

enum snp_status cpuid_page_check(struct cpuid_page *page, uint32_t cbit)
{
    enum snp_status status = SNP_SUCCESS;

    if (page->count > CPUID_PAGE_ENTRIES_MAX || page->reserved_4 != 0 || page->reserved_8 != 0)
        return SNP_INVALID_PARAM;
    for (size_t i = 0; i < page->count; i++) {
        struct cpuid_entry *entry = &page->entries[i];
        uint32_t allowed = allowed_ebx(entry->ebx, cbit);

        if (entry->reserved != 0)
            return SNP_INVALID_PARAM;
        if (entry->eax_in == CPUID_MEMORY_ENCRYPTION && entry->ebx != allowed) {
            entry->ebx = allowed;
            status = SNP_INVALID_PARAM;
        }
    }
    return status;
}
