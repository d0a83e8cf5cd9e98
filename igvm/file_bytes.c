/* SPDX-License-Identifier: MIT */
#include "igvm/file_bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum tool_status complain_errno(const char *verb, const char *path)
{
    return complain(TOOL_FILE, "cannot %s %s: %s", verb, path, strerror(errno));
}

static enum tool_status read_stream(FILE *stream, const char *path, struct file_bytes *file)
{
    struct stat stat;
    size_t size;
    uint8_t *bytes;

    if (fstat(fileno(stream), &stat) != 0)
        return complain_errno("read", path);
    if (!S_ISREG(stat.st_mode))
        return complain(TOOL_FILE, "cannot read %s: not a regular file", path);
    if (stat.st_size > UINT32_MAX)
        return complain(TOOL_FILE, "cannot read %s: 4 GiB or more", path);
    size = (size_t)stat.st_size;

    /* malloc(0) may be NULL. */
    bytes = malloc(size + 1);
    if (!bytes)
        return complain_no_memory();
    if (fread(bytes, 1, size, stream) != size) {
        free(bytes);
        return complain(TOOL_FILE, "cannot read %s: read error, or it is being changed", path);
    }
    *file = (struct file_bytes){.bytes = bytes, .size = size};
    return TOOL_OK;
}

enum tool_status file_read(const char *path, struct file_bytes *file)
{
    FILE *stream = fopen(path, "rb");
    enum tool_status status;

    if (!stream)
        return complain_errno("read", path);
    status = read_stream(stream, path, file);
    fclose(stream);
    return status;
}

static bool write_all(int fd, const struct file_bytes *file)
{
    size_t done = 0;

    while (done < file->size) {
        ssize_t n = write(fd, file->bytes + done, file->size - done);

        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0)
            done += (size_t)n;
    }
    return true;
}

/* Writes and closes fd, whatever happens. */
static bool fill_and_close(int fd, const struct file_bytes *file)
{
    bool written = write_all(fd, file);

    return close(fd) == 0 && written;
}

enum tool_status file_write(const char *path, const struct file_bytes *file)
{
    enum tool_status status = TOOL_OK;
    char *temporary;
    int fd;

    if (asprintf(&temporary, "%s.new", path) < 0)
        return complain_no_memory();
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        status = complain_errno("write", temporary);
        goto out;
    }
    if (!fill_and_close(fd, file) || rename(temporary, path) != 0) {
        status = complain_errno("write", path);
        unlink(temporary);
    }
out:
    free(temporary);
    return status;
}
