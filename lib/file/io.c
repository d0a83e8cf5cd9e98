/* SPDX-License-Identifier: MIT */
#include "lib/file/io.h"

#include <errno.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* Accounts for one transfer's result; returns false when the whole cannot be completed. */
static bool advance(ssize_t moved, size_t *done)
{
    if (moved > 0) {
        *done += (size_t)moved;
        return true;
    }
    if (moved == 0)
        errno = ENODATA;
    return moved < 0 && errno == EINTR;
}

bool io_read_exactly(int fd, void *bytes, size_t size)
{
    size_t done = 0;

    while (done < size)
        if (!advance(read(fd, (uint8_t *)bytes + done, size - done), &done))
            return false;
    return true;
}

bool io_write_all(int fd, const void *bytes, size_t size)
{
    size_t done = 0;

    while (done < size)
        if (!advance(write(fd, (const uint8_t *)bytes + done, size - done), &done))
            return false;
    return true;
}

bool io_read_at(int fd, void *bytes, size_t size, uint64_t offset)
{
    size_t done = 0;

    while (done < size)
        if (!advance(pread(fd, (uint8_t *)bytes + done, size - done, (off_t)(offset + done)),
                     &done))
            return false;
    return true;
}

bool io_write_at(int fd, const void *bytes, size_t size, uint64_t offset)
{
    size_t done = 0;

    while (done < size)
        if (!advance(pwrite(fd, (const uint8_t *)bytes + done, size - done, (off_t)(offset + done)),
                     &done))
            return false;
    return true;
}

bool io_read_up_to(int fd, void *bytes, size_t room, size_t *size)
{
    *size = 0;
    while (*size < room) {
        ssize_t got = read(fd, (uint8_t *)bytes + *size, room - *size);

        if (got == 0)
            break;
        if (got > 0)
            *size += (size_t)got;
        else if (errno != EINTR)
            return false;
    }
    return true;
}

bool io_read_secret(int fd, uint8_t *secret, size_t size)
{
    uint8_t beyond;
    bool read_it = io_read_exactly(fd, secret, size);

    if (read_it && io_read_exactly(fd, &beyond, 1)) {
        errno = EMSGSIZE;
        read_it = false;
    }
    if (!read_it)
        explicit_bzero(secret, size);
    explicit_bzero(&beyond, sizeof(beyond));
    return read_it;
}
