/* SPDX-License-Identifier: MIT */
/* Files given on the command line. Each function complains on failure. */
#ifndef SNPVTPM_IGVM_FILES_H
#define SNPVTPM_IGVM_FILES_H

#include "igvm/tool.h"
#include "lib/igvm/loaded_file.h"

/* Reads a whole file, less than 4 GiB. The caller frees file->bytes in any case. */
MUST_CHECK enum tool_status files_read(const char *path, struct file_bytes *file);

/* Writes a whole file; an older one by that name stays intact until the new one is complete. */
MUST_CHECK enum tool_status files_write(const char *path, const struct file_bytes *file);

/* Opens an IGVM file. The caller closes *file in any case. */
MUST_CHECK enum tool_status files_open(const char *path, struct loaded_file *file);

/* TOOL_OK, or the complaint about an image that cannot be made, read or checked. */
MUST_CHECK enum tool_status complain_image(enum igvm_error error);

#endif
