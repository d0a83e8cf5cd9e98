/* SPDX-License-Identifier: MIT */
/* Whole files in memory. */
#ifndef SNPVTPM_IGVM_FILE_BYTES_H
#define SNPVTPM_IGVM_FILE_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "igvm/tool.h"

struct file_bytes {
    uint8_t *bytes;
    size_t size;
};

/* Reads a whole file, less than 4 GiB. Complains on failure. The caller frees file->bytes. */
MUST_CHECK enum tool_status file_read(const char *path, struct file_bytes *file);

/*
 * Writes a whole file; an older one by that name stays intact until the new one is complete.
 * Complains on failure.
 */
MUST_CHECK enum tool_status file_write(const char *path, const struct file_bytes *file);

#endif
