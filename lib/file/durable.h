/* SPDX-License-Identifier: MIT */
/* Files that outlive a power cut: written whole, or not there. */
#ifndef SNPVTPM_LIB_FILE_DURABLE_H
#define SNPVTPM_LIB_FILE_DURABLE_H

#include <stdbool.h>
#include <stddef.h>

#include <sys/types.h>

#include "lib/base/must_check.h"

enum file_place {
    FILE_NEW,     /* fails with EEXIST where there is one of that name */
    FILE_REPLACE, /* takes its place, at once and whole; one that is there stays until then. By one
                   * at a time: it is made as PATH.new */
};

/* Makes a file of these bytes and this mode, whatever the umask is. False with errno, and nothing
 * is left of what was begun. */
MUST_CHECK bool file_write(const char *path, mode_t mode, enum file_place place, const void *bytes,
                           size_t size);

/* Makes the names in the folder of path durable. False with errno. */
MUST_CHECK bool file_sync_folder_of(const char *path);

#endif
