/* SPDX-License-Identifier: MIT */
#include "lib/file/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file/io.h"

#define FIRST_ROOM 4096 /* of a file that does not tell its size */

bool file_mode_keeps(mode_t mode, enum file_secrecy secrecy)
{
    switch (secrecy) {
    case FILE_SECRET:
        return (mode & 077) == 0;
    case FILE_CREDENTIAL:
        return (mode & 037) == 0;
    case FILE_PUBLIC:
        break;
    }
    return true;
}

bool file_is_private(int fd)
{
    struct stat file;

    return fstat(fd, &file) == 0 &&
           (!S_ISREG(file.st_mode) || file_mode_keeps(file.st_mode, FILE_SECRET));
}

/* As realloc(), but leaves no copy of a secret behind. */
static bool enlarge(struct file_bytes *file, size_t room)
{
    uint8_t *larger = malloc(room + 1);

    if (larger && file->size > 0)
        memcpy(larger, file->bytes, file->size);
    if (larger) {
        size_t size = file->size;

        file_wipe(file);
        *file = (struct file_bytes){.bytes = larger, .size = size};
    }
    return larger != NULL;
}

/* Reads to the end, beginning with room for as many bytes as are expected. */
static enum file_error read_to_end(int fd, size_t expected, size_t max, struct file_bytes *file)
{
    size_t room = expected < max ? expected : max, got;

    for (;;) {
        if (!enlarge(file, room))
            return FILE_ERRNO;
        if (!io_read_up_to(fd, file->bytes + file->size, room + 1 - file->size, &got))
            return FILE_ERRNO;
        file->size += got;
        if (file->size <= room)
            break;
        if (room == max)
            return FILE_TOO_LARGE;
        room = room > max / 2 ? max : room < FIRST_ROOM ? FIRST_ROOM : 2 * room;
        room = room < max ? room : max;
    }
    file->bytes[file->size] = '\0';
    return FILE_OK;
}

enum file_error file_read_descriptor(int fd, enum file_secrecy secrecy, size_t max,
                                     struct file_bytes *file)
{
    enum file_error error;
    struct stat status;
    bool regular;
    int saved;

    *file = (struct file_bytes){0};
    if (fstat(fd, &status) != 0)
        return FILE_ERRNO;
    regular = S_ISREG(status.st_mode);
    if (regular && !file_mode_keeps(status.st_mode, secrecy))
        return FILE_EXPOSED;
    if (regular && (uint64_t)status.st_size > max)
        return FILE_TOO_LARGE;
    error = read_to_end(fd, regular ? (size_t)status.st_size : FIRST_ROOM, max, file);
    saved = errno;
    if (error != FILE_OK)
        file_wipe(file);
    errno = saved;
    return error;
}

enum file_error file_read(const char *path, enum file_secrecy secrecy, size_t max,
                          struct file_bytes *file)
{
    /* Of a pipe that nobody writes, an open would wait for ever. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), saved;
    enum file_error error = FILE_ERRNO;
    struct stat status;

    *file = (struct file_bytes){0};
    if (fd < 0)
        return FILE_ERRNO;
    if (fstat(fd, &status) == 0)
        error = S_ISREG(status.st_mode) ? file_read_descriptor(fd, secrecy, max, file)
                                        : FILE_NOT_REGULAR;
    saved = errno;
    close(fd);
    errno = saved;
    return error;
}

void file_wipe(struct file_bytes *file)
{
    if (file->bytes)
        explicit_bzero(file->bytes, file->size);
    free(file->bytes);
    *file = (struct file_bytes){0};
}

const char *file_error_text(enum file_error error)
{
    switch (error) {
    case FILE_OK:
        return "no error";
    case FILE_ERRNO:
        return strerror(errno);
    case FILE_NOT_REGULAR:
        return "not a regular file";
    case FILE_TOO_LARGE:
        return "too large";
    case FILE_EXPOSED:
        return "others than its owner may read or change it; chmod 600";
    }
    return "unknown error";
}
