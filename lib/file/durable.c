/* SPDX-License-Identifier: MIT */
#include "lib/file/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file/io.h"

bool file_sync_folder_of(const char *path)
{
    char copy[PATH_MAX];
    bool synced;
    int fd;

    if (strlen(path) >= sizeof(copy)) {
        errno = ENAMETOOLONG;
        return false;
    }
    strcpy(copy, path);
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    synced = fsync(fd) == 0;
    close(fd);
    return synced;
}

/* Writes a file that was just made, and closes it. Removes it if it cannot. */
MUST_CHECK static bool fill(int fd, const char *path, mode_t mode, const void *bytes, size_t size)
{
    bool written = fchmod(fd, mode) == 0 && io_write_all(fd, bytes, size) && fsync(fd) == 0;
    int error = errno;

    close(fd);
    if (!written)
        unlink(path);
    errno = error;
    return written;
}

/* What cannot be made durable is removed. */
MUST_CHECK static bool write_new(const char *path, mode_t mode, const void *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), error;

    if (fd < 0 || !fill(fd, path, mode, bytes, size))
        return false;
    if (file_sync_folder_of(path))
        return true;
    error = errno;
    unlink(path);
    errno = error;
    return false;
}

/* Beside it, where the next one finds and removes what a power cut left. */
MUST_CHECK static bool replace(const char *path, mode_t mode, const void *bytes, size_t size)
{
    char beside[PATH_MAX];
    int length = snprintf(beside, sizeof(beside), "%s.new", path), fd, error;

    if (length < 0 || (size_t)length >= sizeof(beside)) {
        errno = ENAMETOOLONG;
        return false;
    }
    unlink(beside);
    fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || !fill(fd, beside, mode, bytes, size))
        return false;
    if (rename(beside, path) == 0)
        return file_sync_folder_of(path);
    error = errno;
    unlink(beside);
    errno = error;
    return false;
}

bool file_write(const char *path, mode_t mode, enum file_place place, const void *bytes,
                size_t size)
{
    return place == FILE_REPLACE ? replace(path, mode, bytes, size)
                                 : write_new(path, mode, bytes, size);
}
