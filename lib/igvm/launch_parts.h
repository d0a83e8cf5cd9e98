/* SPDX-License-Identifier: MIT */
/* What the pages of a launch image are for. Private to lib/igvm. */
#ifndef SNPVTPM_LIB_IGVM_LAUNCH_PARTS_H
#define SNPVTPM_LIB_IGVM_LAUNCH_PARTS_H

#include "lib/boot/boot_params.h"
#include "lib/igvm/launch_pages.h"

/* Where an image's parts lie. */
struct launch_layout {
    bool has_params; /* an SVSM's, which say the rest */
    uint64_t params_gpa;
    struct boot_params params;
};

/* Finds the boot parameters to which the boot processor's register points, if there are any. */
struct launch_layout launch_layout_of(const struct igvm_header *headers, size_t count,
                                      uint32_t platform_mask);

/* Writes the name of the part to which a page of memory belongs: printable ASCII. */
void launch_layout_part(const struct launch_layout *layout, enum snp_page_type type, uint64_t gpa,
                        char name[LAUNCH_PART_SIZE]);

#endif
