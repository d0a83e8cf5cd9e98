/* SPDX-License-Identifier: MIT */
/* A whole file in memory. */
#ifndef SNPVTPM_KBS_EVIDENCE_FILE_BYTES_H
#define SNPVTPM_KBS_EVIDENCE_FILE_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/must_check.h"

/* At most max bytes of a regular file, which the caller frees. NULL with errno as of open or read,
 * or EFBIG when the file has more, EINVAL when it is none. */
MUST_CHECK uint8_t *file_read_bytes(const char *path, size_t max, size_t *size);

#endif
