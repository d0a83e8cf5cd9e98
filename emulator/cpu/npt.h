/* SPDX-License-Identifier: MIT */
/*
 * Nested page tables: how the RMP's rules reach an MMU that knows none of them.
 *
 * There is one private view for each VMPL (what that VMPL may do with C=1) and one shared view
 * (C=0). A guest with paging sees GPA 0.. through the shared view and GPA | C-bit through its
 * VMPL's private view; without paging every access is private, so GPA 0.. is the private view.
 * Tables are kept up to date eagerly: a fault costs an exit, and one during the delivery of an
 * event a second delivery. What a change takes away is gone from every CPU's translations when it
 * returns.
 */
#ifndef SNPVTPM_EMULATOR_CPU_NPT_H
#define SNPVTPM_EMULATOR_CPU_NPT_H

#include "emulator/cpu/guest_memory.h"

/* QEMU's nested tables span 48 bits, so the C-bit is the highest of them. */
#define CBIT_POSITION 47
#define CBIT          (1ull << CBIT_POSITION)

/* With the lock, as all that follows. */
void npt_init(void);

/* Makes the entries of one page, or of an aligned 2 MiB range whose RMP entries are all alike,
 * follow the memory map and the RMP. */
void npt_sync(gpa_t page, bool large);

/* Another number after each change. */
uint64_t npt_version(void);

/* Whether the tables allow the access of a nested page fault with this EXITINFO1. */
bool npt_allows(gpa_t address, unsigned vmpl, bool private, uint64_t exitinfo1);

/* The nested CR3 for a VMPL, by whether the guest has paging on. Builds the view at first use. */
hpa_t npt_root(unsigned vmpl, bool paging);

#endif
