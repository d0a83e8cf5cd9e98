/* SPDX-License-Identifier: MIT */
/* An IGVM file in memory, as it was found on the disk. */
#ifndef SNPVTPM_LIB_IGVM_LOADED_FILE_H
#define SNPVTPM_LIB_IGVM_LOADED_FILE_H

#include "lib/igvm/image.h"

#define LOADED_FILE_MAX  UINT32_MAX /* bytes: an IGVM file has less than 4 GiB */
#define LOADED_FILE_TEXT 160        /* characters */

enum loaded_file_status {
    LOADED_FILE_OK,
    LOADED_FILE_UNREADABLE,
    LOADED_FILE_INVALID,
};

struct loaded_file {
    struct file_bytes content;
    struct image image;
    uint32_t platform_mask;             /* of SEV-SNP */
    char problem[LOADED_FILE_TEXT + 1]; /* what is wrong, after the file's name and a colon */
};

/* Reads a file, which must be valid, support SEV-SNP, and load no page twice. The caller closes
 * *file in any case. */
MUST_CHECK enum loaded_file_status loaded_file_open(const char *path, struct loaded_file *file);

void loaded_file_close(struct loaded_file *file);

#endif
