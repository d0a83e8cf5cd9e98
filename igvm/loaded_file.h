/* SPDX-License-Identifier: MIT */
/* An IGVM file given on the command line. */
#ifndef SNPVTPM_IGVM_LOADED_FILE_H
#define SNPVTPM_IGVM_LOADED_FILE_H

#include "igvm/image.h"

struct loaded_file {
    struct file_bytes content;
    struct image image;
    uint32_t platform_mask; /* of SEV-SNP */
};

/*
 * Reads a file, which must be valid, support SEV-SNP, and load no page twice. Complains otherwise.
 * The caller closes *file in any case.
 */
MUST_CHECK enum tool_status loaded_file_open(const char *path, struct loaded_file *file);

void loaded_file_close(struct loaded_file *file);

#endif
