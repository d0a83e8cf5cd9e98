/* SPDX-License-Identifier: MIT */
/*
 * The guest-physical address space: which GPAs are RAM, and which page of the machine backs each.
 *
 * Guest RAM is mapped one to one, so that QEMU's devices reach it by DMA; what the launch image
 * puts where QEMU has no RAM (the firmware below 4 GiB) is backed by pages of the reserve.
 */
#ifndef SNPVTPM_EMULATOR_CPU_GUEST_MEMORY_H
#define SNPVTPM_EMULATOR_CPU_GUEST_MEMORY_H

#include "emulator/platform/host.h"

/* A guest-physical address, without the C-bit. */
typedef struct {
    uint64_t v;
} gpa_t;

static inline gpa_t gpa(uint64_t v)
{
    return (gpa_t){v};
}

static inline gpa_t gpa_page(gpa_t address)
{
    return gpa(address.v & PAGE_MASK);
}

#define GUEST_RAM_REGIONS_MAX 16

struct guest_ram_region {
    gpa_t start;
    uint64_t size;
    hpa_t backing;
    bool in_memory_map; /* RAM the VMM tells the guest about; firmware and the like is not */
};

/* Sets up RAM as QEMU gave it, less the reserve. */
void guest_memory_init(void);

/* Backs [start, start + size), page-aligned, with pages of the reserve unless it is RAM already. */
void guest_memory_back(gpa_t start, uint64_t size);

/* The page behind a GPA (with its offset in the page); false when it is not RAM. */
MUST_CHECK bool guest_memory_find(gpa_t address, hpa_t *backing);

/* The same for a whole range, whose backing must be consecutive. */
MUST_CHECK bool guest_memory_find_range(gpa_t start, uint64_t size, hpa_t *backing);

/* The regions, in ascending order of start. */
const struct guest_ram_region *guest_memory_regions(size_t *count);

#endif
