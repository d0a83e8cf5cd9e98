/* SPDX-License-Identifier: MIT */
#include "igvm/files.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/file/durable.h"

enum tool_status files_read(const char *path, struct file_bytes *file)
{
    enum file_error error = file_read(path, FILE_PUBLIC, LOADED_FILE_MAX, file);

    return error == FILE_OK
               ? TOOL_OK
               : complain(TOOL_FILE, "cannot read %s: %s", path, file_error_text(error));
}

enum tool_status files_write(const char *path, const struct file_bytes *file)
{
    mode_t mask = umask(0);

    umask(mask);
    return file_write(path, 0666 & ~mask, FILE_REPLACE, file->bytes, file->size)
               ? TOOL_OK
               : complain(TOOL_FILE, "cannot write %s: %s", path, strerror(errno));
}

enum tool_status files_open(const char *path, struct loaded_file *file)
{
    switch (loaded_file_open(path, file)) {
    case LOADED_FILE_OK:
        return TOOL_OK;
    case LOADED_FILE_UNREADABLE:
        return complain(TOOL_FILE, "cannot read %s: %s", path, file->problem);
    case LOADED_FILE_INVALID:
        break;
    }
    return complain(TOOL_INVALID, "%s: %s", path, file->problem);
}

enum tool_status complain_image(enum igvm_error error)
{
    if (error == IGVM_ERROR_NO_MEMORY)
        return complain_no_memory();
    return error == IGVM_OK ? TOOL_OK : complain(TOOL_INVALID, "%s", igvm_error_text(error));
}
