/* SPDX-License-Identifier: MIT */
#include "proxy/frame.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define LENGTH_SIZE 8
#define NO_LIMIT    (-1)
#define QUIET_MS    100 /* a pause this long ends what is dropped */

static bool is_ready(int fd, short event, int timeout_ms)
{
    struct pollfd descriptor = {.fd = fd, .events = event};
    int ready;

    do {
        ready = poll(&descriptor, 1, timeout_ms);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

/* Reads exactly size bytes; first_ms bounds the wait for the first. */
static enum frame_status read_exactly(int fd, int first_ms, int gap_ms, uint8_t *out, size_t size)
{
    int timeout_ms = first_ms;

    while (size > 0) {
        ssize_t got;

        if (!is_ready(fd, POLLIN, timeout_ms))
            return FRAME_STALLED;
        got = recv(fd, out, size, 0);
        if (got <= 0)
            return FRAME_CLOSED;
        out += got;
        size -= (size_t)got;
        timeout_ms = gap_ms;
    }
    return FRAME_OK;
}

/* Reads and forgets until the line falls silent; at most a few frames' worth. */
static void drop_pending(int fd)
{
    uint8_t scratch[4096];

    for (size_t dropped = 0; dropped < 4 * FRAME_MAX && is_ready(fd, POLLIN, QUIET_MS);) {
        ssize_t got = recv(fd, scratch, sizeof(scratch), 0);

        if (got <= 0) /* the next frame_read finds the same and reports it */
            return;
        dropped += (size_t)got;
    }
}

enum frame_status frame_read(int fd, int gap_ms, struct frame *frame)
{
    uint8_t length[LENGTH_SIZE];
    enum frame_status status = read_exactly(fd, NO_LIMIT, gap_ms, length, sizeof(length));

    if (status != FRAME_OK)
        return status;
    if (get_le64(length) == 0 || get_le64(length) > FRAME_MAX) {
        drop_pending(fd);
        return FRAME_BAD_LENGTH;
    }
    frame->size = (size_t)get_le64(length);
    return read_exactly(fd, gap_ms, gap_ms, frame->bytes, frame->size);
}

static enum frame_status write_exactly(int fd, int gap_ms, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent;

        if (!is_ready(fd, POLLOUT, gap_ms))
            return FRAME_CLOSED;
        sent = send(fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (sent <= 0)
            return FRAME_CLOSED;
        bytes += sent;
        size -= (size_t)sent;
    }
    return FRAME_OK;
}

enum frame_status frame_write(int fd, int gap_ms, const void *bytes, size_t size)
{
    uint8_t length[LENGTH_SIZE];
    enum frame_status status;

    put_le64(length, size);
    status = write_exactly(fd, gap_ms, length, sizeof(length));
    return status == FRAME_OK ? write_exactly(fd, gap_ms, bytes, size) : status;
}
