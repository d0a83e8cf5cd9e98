/* SPDX-License-Identifier: MIT */
/* The pages that the firmware expects to find validated, from the measured section list. */
#ifndef SNPVTPM_SVSM_GUEST_SECTIONS_H
#define SNPVTPM_SVSM_GUEST_SECTIONS_H

#include "lib/boot/boot_params.h"
#include "svsm/base/status.h"
#include "svsm/params/memory_map.h"

struct section_pages {
    size_t count;
    struct memory_range
        ranges[BOOT_SECTIONS_MAX]; /* whole pages, ascending, neither overlap nor touch */
};

/* Whether the SVSM has to validate a section of this type. */
bool section_is_validated(uint32_t type);

/*
 * Merges all sections to validate into disjoint runs of pages, so that no page is validated twice.
 * STATUS_BAD_FORMAT when there are too many or one wraps around.
 */
MUST_CHECK enum status sections_merge(const struct boot_section *sections, size_t count,
                                      struct section_pages *pages);

/* The first section of a type, or NULL. */
const struct boot_section *section_find(const struct boot_section *sections, size_t count,
                                        uint32_t type);

#endif
