/* SPDX-License-Identifier: MIT */
#include "kbs/evidence/file_bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads until the end or until room is full; false with errno. */
MUST_CHECK static bool read_all(int fd, uint8_t *bytes, size_t room, size_t *size)
{
    ssize_t got;

    for (*size = 0; *size < room; *size += (size_t)got) {
        got = read(fd, bytes + *size, room - *size);
        if (got < 0)
            return false;
        if (got == 0)
            break;
    }
    return true;
}

uint8_t *file_read_bytes(const char *path, size_t max, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), error = 0;
    uint8_t *bytes = NULL;
    struct stat file;

    if (fd < 0)
        return NULL;
    if (fstat(fd, &file) != 0)
        error = errno;
    else if (!S_ISREG(file.st_mode))
        error = EINVAL;
    else if (file.st_size < 0 || (size_t)file.st_size > max)
        error = EFBIG;
    else if (!(bytes = malloc((size_t)file.st_size + 1)) ||
             !read_all(fd, bytes, (size_t)file.st_size, size))
        error = errno;
    close(fd);
    if (error) {
        free(bytes);
        bytes = NULL;
        errno = error;
    }
    return bytes;
}
