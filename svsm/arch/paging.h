/* SPDX-License-Identifier: MIT */
/* The kernel's own page tables (layout: base/address.h) and what a page table entry is. */
#ifndef SNPVTPM_SVSM_ARCH_PAGING_H
#define SNPVTPM_SVSM_ARCH_PAGING_H

#include <stddef.h>

#include "svsm/base/address.h"
#include "svsm/base/status.h"

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

/* The kernel's root table, whose direct map covers the first DIRECT_MAP_START bytes. */
#define DIRECT_MAP_START 0x100000000ull
uint64_t *paging_root(void);

/*
 * Shows a page, C=0, at the next free address of the shared window; NULL when SHARED_PAGES_MAX are
 * shown. Pages shown one after the other are adjacent.
 */
volatile void *paging_map_shared(gpa_t page);

/* Loads the root table that holds the kernel only, or another one in private memory. */
void paging_load_kernel(void);
void paging_load(const uint64_t *root);

/* CR3 for the former. */
uint64_t paging_kernel_cr3(void);

/* An entry for a private page. */
uint64_t paging_entry(gpa_t page, uint64_t flags);

/* The page that an entry points to. */
gpa_t paging_entry_page(uint64_t entry);

/* Indices into a root table: the kernel's half starts with the direct map. */
#define ROOT_DIRECT_MAP 256
#define ROOT_KERNEL     511

/* Drops this vCPU's cached translations, permissions included. */
void paging_flush(void);

/*
 * The same on every processor, of all VMPLs, before it returns; false when INVLPGB faulted. Every
 * processor with SNP has it, CPUID may hide it, and the host has to let the VM use it.
 */
MUST_CHECK bool paging_flush_everywhere(void);

#endif
