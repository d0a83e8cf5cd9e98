/* SPDX-License-Identifier: MIT */
/* An IGVM file given on the command line: its measurement and its pages. */
#ifndef SNPVTPM_KBS_CLI_LAUNCH_FILE_H
#define SNPVTPM_KBS_CLI_LAUNCH_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/must_check.h"
#include "lib/snp/report.h"

struct launch_file {
    uint8_t measurement[LAUNCH_DIGEST_SIZE];
    uint8_t *pages; /* as of launch_pages_encode */
    size_t pages_size;
};

/* Reads it as a host would launch it. Returns an exit status, having said why; the caller frees
 * file->pages in any case. */
MUST_CHECK int launch_file_read(const char *path, struct launch_file *file);

#endif
