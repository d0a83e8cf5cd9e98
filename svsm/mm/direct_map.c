/* SPDX-License-Identifier: MIT */
#include "svsm/mm/direct_map.h"

#include "svsm/arch/memory.h"
#include "svsm/arch/paging.h"
#include "svsm/mm/page_allocator.h"

#define GIB       0x40000000ull
#define PDPT_SPAN (PAGE_TABLE_ENTRIES * GIB)

/* The table that a root entry points to, made if there is none; NULL without memory. */
static uint64_t *pdpt_of(uint64_t at)
{
    uint64_t *entry = &paging_root()[ROOT_DIRECT_MAP + at / PDPT_SPAN];
    void *fresh;

    if (*entry != 0)
        return gpa_pointer(paging_entry_page(*entry));
    fresh = page_allocate();
    if (fresh)
        *entry = paging_entry(direct_gpa(fresh), PTE_PRESENT | PTE_WRITABLE);
    return fresh;
}

/* Maps one GiB with large pages. */
static enum status map_gib(uint64_t start)
{
    uint64_t *pdpt = pdpt_of(start);
    uint64_t *directory = !pdpt ? NULL : page_allocate();

    if (!directory)
        return STATUS_NO_MEMORY;
    for (unsigned i = 0; i < PAGE_TABLE_ENTRIES; i++)
        directory[i] =
            paging_entry(gpa(start + i * LARGE_PAGE_SIZE), PTE_PRESENT | PTE_WRITABLE | PTE_LARGE);
    pdpt[start / GIB % PAGE_TABLE_ENTRIES] =
        paging_entry(direct_gpa(directory), PTE_PRESENT | PTE_WRITABLE | PTE_NX);
    return STATUS_OK;
}

enum status direct_map_extend(uint64_t end)
{
    enum status status = STATUS_OK;

    if (end > DIRECT_MAP_MAX)
        return STATUS_OUT_OF_RANGE;
    for (uint64_t at = DIRECT_MAP_START; at < end && status == STATUS_OK; at += GIB)
        status = map_gib(at);
    return status;
}
