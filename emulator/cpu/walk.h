/* SPDX-License-Identifier: MIT */
/*
 * Guest-virtual memory as the CPU's microcode sees it: for instructions that take a GVA, for
 * fetching an instruction, for building an exception frame. Long mode and no paging; every access
 * is subject to the RMP, with the rights of the running VMPL.
 */
#ifndef SNPVTPM_EMULATOR_CPU_WALK_H
#define SNPVTPM_EMULATOR_CPU_WALK_H

#include "emulator/cpu/context.h"

#define PTE_ACCESSED (1ull << 5)
#define PTE_DIRTY    (1ull << 6)

struct translation {
    gpa_t gpa;
    bool private;
    bool writable, user; /* by the tables of all levels */
    uint64_t *entry;     /* the last one; NULL without paging */
};

/* Walks the guest's tables; false where the CPU would raise #PF (or cannot reach a table). */
MUST_CHECK bool walk(const struct vmpl_context *context, uint64_t gva, struct translation *out);

/* Copy to and from guest-virtual memory; false when any byte cannot be accessed. */
MUST_CHECK bool guest_read(const struct vmpl_context *context, uint64_t gva, void *to, size_t size);
MUST_CHECK bool guest_write(const struct vmpl_context *context, uint64_t gva, const void *from,
                            size_t size);

/* The bytes of the next instruction, which is fetched privately whatever the C-bit says. */
MUST_CHECK bool guest_fetch(const struct vmpl_context *context, void *to, size_t size);

#endif
