/* SPDX-License-Identifier: MIT */
/* The kernel's page tables (layout: mm/address.h) and the walk that address spaces share. */
#ifndef SVSM_MM_PAGING_H
#define SVSM_MM_PAGING_H

#include <stddef.h>

#include "svsm/base/status.h"
#include "svsm/mm/address.h"

#define PTE_PRESENT  (1ull << 0)
#define PTE_WRITABLE (1ull << 1)
#define PTE_USER     (1ull << 2)
#define PTE_LARGE    (1ull << 7)
#define PTE_OWNED    (1ull << 9) /* software: the page is freed with the address space */
#define PTE_NX       (1ull << 63)

#define PAGE_TABLE_ENTRIES 512

/* Pages that the shared window holds. */
#define SHARED_PAGES_MAX PAGE_TABLE_ENTRIES

/*
 * Replaces the entry stub's tables: read-only text, NX elsewhere, guard pages, no identity map.
 * c_bit is the position of the C-bit.
 */
void paging_init(unsigned c_bit);

/* Extends the direct map, which starts with 4 GiB, to cover [0, end). Uses the page allocator. */
MUST_CHECK enum status paging_extend_direct_map(uint64_t end);

/* Makes page index of the shared window (below SHARED_PAGES_MAX) the page at `page`, C=0. */
void paging_map_shared(size_t index, gpa_t page);

/* The page-table root that holds the kernel only. */
gpa_t paging_kernel_root(void);

/* Fills the kernel half of a new root table. */
void paging_copy_kernel_half(uint64_t *root);

/* An entry for a private page. */
uint64_t paging_entry(gpa_t page, uint64_t flags);

/* The page that an entry points to. */
gpa_t paging_entry_page(uint64_t entry);

/* Drops this vCPU's cached translations, permissions included. */
void paging_flush(void);

#endif
