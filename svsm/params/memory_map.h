/* SPDX-License-Identifier: MIT */
/* The host's memory map (IGVM MEMORY_MAP parameter), which is unmeasured: hostile until checked. */
#ifndef SNPVTPM_SVSM_PARAMS_MEMORY_MAP_H
#define SNPVTPM_SVSM_PARAMS_MEMORY_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "svsm/base/status.h"

#define MEMORY_MAP_PAGE_SIZE 0x1000
#define MEMORY_RANGES_MAX    32

/* [start, start + size) in bytes of guest-physical address space, page-aligned. */
struct memory_range {
    uint64_t start, size;
};

struct memory_map {
    size_t count;
    struct memory_range ranges[MEMORY_RANGES_MAX]; /* ascending, disjoint */
};

/*
 * Reads a copy of the page and keeps the entries that are memory. STATUS_BAD_FORMAT when entries
 * are not ascending, overlap, wrap around or end beyond limit; STATUS_OUT_OF_RANGE when there are
 * more than MEMORY_RANGES_MAX.
 */
MUST_CHECK enum status memory_map_parse(struct memory_map *map, const void *page, uint64_t limit);

/* Whether one range holds all of [start, start + size). */
MUST_CHECK bool memory_map_covers(const struct memory_map *map, uint64_t start, uint64_t size);

/* Cuts a hole out; STATUS_OUT_OF_RANGE when that makes too many ranges. */
MUST_CHECK enum status memory_map_remove(struct memory_map *map, uint64_t start, uint64_t size);

/* Adds a range; STATUS_OUT_OF_RANGE when full, STATUS_BAD_FORMAT when it overlaps another. */
MUST_CHECK enum status memory_map_add(struct memory_map *map, uint64_t start, uint64_t size);

/* The end of the highest range. */
uint64_t memory_map_end(const struct memory_map *map);

/* Writes the form that OVMF reads: at most max entries and a zero one;
 * STATUS_OUT_OF_RANGE if more. */
#define MEMORY_MAP_ENTRY_SIZE 24
MUST_CHECK enum status memory_map_write(const struct memory_map *map, void *out, size_t max);

#endif
