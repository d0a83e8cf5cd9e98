/* SPDX-License-Identifier: MIT */
/*
 * The kinds of address, as distinct types, and the kernel's virtual address space (arch/memory.h
 * has the pointers).
 *
 *   0000000000000000 - 00007fffffffffff   the service that runs
 *   ffff800000000000 -                    direct map of guest-physical memory, private, 2 MiB pages
 *   ffffffff80000000 -                    the kernel's image, 4 KiB pages
 *   ffffffffc0000000 - ffffffffc01fffff   shared pages (C=0), 4 KiB pages
 */
#ifndef SNPVTPM_SVSM_BASE_ADDRESS_H
#define SNPVTPM_SVSM_BASE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/snp/page.h"

#define USER_END       0x0000800000000000ull
#define DIRECT_MAP     0xFFFF800000000000ull
#define DIRECT_MAP_MAX 0x0000400000000000ull /* bytes of guest-physical memory it can hold */
#define KERNEL_VIRTUAL 0xFFFFFFFF80000000ull
#define KERNEL_GPA     0x08000000ull
#define SHARED_WINDOW  0xFFFFFFFFC0000000ull

/* A guest-physical address, without C-bit. */
typedef struct {
    uint64_t v;
} gpa_t;

/* An address in a service's address space: never dereferenced by the kernel. */
typedef struct {
    uint64_t v;
} uva_t;

static inline gpa_t gpa(uint64_t v)
{
    return (gpa_t){v};
}

static inline gpa_t gpa_add(gpa_t a, uint64_t offset)
{
    return (gpa_t){a.v + offset};
}

static inline bool is_aligned(uint64_t value, uint64_t alignment)
{
    return (value & (alignment - 1)) == 0;
}

static inline uint64_t align_up(uint64_t value, uint64_t alignment)
{
    return (value + alignment - 1) & ~(alignment - 1);
}

#endif
