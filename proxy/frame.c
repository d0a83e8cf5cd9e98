/* SPDX-License-Identifier: MIT */
#include "proxy/frame.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "proxy/clock.h"

#define LENGTH_SIZE 8
#define QUIET_MS    100 /* a pause this long ends what is dropped */
#define SCRATCH     4096

/* What is left of the time for a frame's next byte. */
static int patience_ms(const struct frame_limits *limits, int64_t deadline_ms)
{
    int left_ms = clock_left_ms(deadline_ms);

    return left_ms < limits->gap_ms ? left_ms : limits->gap_ms;
}

/* Reads what is there, which can be nothing; FRAME_CLOSED at the end. */
static enum frame_status read_some(int fd, uint8_t *out, size_t size, size_t *got)
{
    ssize_t result = read(fd, out, size);

    *got = result > 0 ? (size_t)result : 0;
    if (result > 0 || (result < 0 && (errno == EAGAIN || errno == EINTR)))
        return FRAME_OK;
    return FRAME_CLOSED;
}

/* Reads exactly size bytes of a frame that has begun, though the service be told to end. */
static enum frame_status read_rest(int fd, const struct frame_limits *limits, int64_t deadline_ms,
                                   uint8_t *out, size_t size)
{
    struct line line = {.fd = fd, .stop = -1};

    while (size > 0) {
        enum frame_status status;
        size_t got;

        if (line_wait(&line, POLLIN, patience_ms(limits, deadline_ms)) != LINE_READY)
            return FRAME_STALLED;
        status = read_some(fd, out, size, &got);
        if (status != FRAME_OK)
            return status;
        out += got;
        size -= got;
    }
    return FRAME_OK;
}

/* Reads and forgets until the line falls silent; at most a few frames' worth. */
static void drop_pending(int fd)
{
    struct line line = {.fd = fd, .stop = -1};
    uint8_t scratch[SCRATCH];
    size_t dropped = 0, got;

    while (dropped < 4 * FRAME_MAX && line_wait(&line, POLLIN, QUIET_MS) == LINE_READY) {
        if (read_some(fd, scratch, sizeof(scratch), &got) != FRAME_OK)
            return; /* the next frame_read finds the same and reports it */
        dropped += got;
    }
}

static enum frame_status await_first_byte(const struct line *line, int first_ms)
{
    switch (line_wait(line, POLLIN, first_ms)) {
    case LINE_READY:
        return FRAME_OK;
    case LINE_STOPPED:
        return FRAME_STOPPED;
    case LINE_QUIET:
        break;
    }
    return FRAME_IDLE;
}

enum frame_status frame_read(const struct line *line, const struct frame_limits *limits,
                             struct frame *frame)
{
    uint8_t length[LENGTH_SIZE];
    enum frame_status status = await_first_byte(line, limits->first_ms);
    int64_t deadline_ms = clock_now_ms() + limits->whole_ms;

    *frame = (struct frame){0};
    if (status == FRAME_OK)
        status = read_rest(line->fd, limits, deadline_ms, length, sizeof(length));
    if (status != FRAME_OK)
        return status;
    if (get_le64(length) == 0 || get_le64(length) > FRAME_MAX) {
        drop_pending(line->fd);
        return FRAME_BAD_LENGTH;
    }
    frame->size = (size_t)get_le64(length);
    frame->bytes = malloc(frame->size);
    status = frame->bytes ? read_rest(line->fd, limits, deadline_ms, frame->bytes, frame->size)
                          : FRAME_CLOSED;
    if (status != FRAME_OK) {
        free(frame->bytes);
        frame->bytes = NULL;
    }
    return status;
}

static enum frame_status write_exactly(int fd, const struct frame_limits *limits,
                                       int64_t deadline_ms, const uint8_t *bytes, size_t size)
{
    struct line line = {.fd = fd, .stop = -1};

    while (size > 0) {
        ssize_t sent;

        if (line_wait(&line, POLLOUT, patience_ms(limits, deadline_ms)) != LINE_READY)
            return FRAME_CLOSED;
        sent = write(fd, bytes, size);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (sent <= 0)
            return FRAME_CLOSED;
        bytes += sent;
        size -= (size_t)sent;
    }
    return FRAME_OK;
}

enum frame_status frame_write(const struct line *line, const struct frame_limits *limits,
                              const void *bytes, size_t size)
{
    int64_t deadline_ms = clock_now_ms() + limits->whole_ms;
    uint8_t length[LENGTH_SIZE];
    enum frame_status status;

    put_le64(length, size);
    status = write_exactly(line->fd, limits, deadline_ms, length, sizeof(length));
    if (status == FRAME_OK)
        status = write_exactly(line->fd, limits, deadline_ms, bytes, size);
    return status;
}
