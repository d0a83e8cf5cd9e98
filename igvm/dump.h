/* SPDX-License-Identifier: MIT */
/* Prints what a launch image contains. */
#ifndef SNPVTPM_IGVM_DUMP_H
#define SNPVTPM_IGVM_DUMP_H

#include <stdio.h>

#include "lib/igvm/image.h"

/*
 * Prints the headers in file order, contiguous pages of one kind as one line, the boot processor's
 * main registers, and the SVSM's boot parameters if the boot processor is given any.
 */
void dump_image(FILE *out, const struct image *image, uint32_t platform_mask);

#endif
