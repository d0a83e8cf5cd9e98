/* SPDX-License-Identifier: MIT */
#include "services/attest/proxy_stream.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/bytes.h"

#define LENGTH_SIZE sizeof(uint64_t)
#define DRAIN_MAX   (4 * PROXY_FRAME_MAX)
/* After POLLOUT a small write does not block, so that the deadline holds for sending too. */
#define WRITE_MAX 1024

static uint64_t now(void)
{
    struct timespec time;

    /* CLOCK_MONOTONIC always exists. */
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

struct proxy_stream proxy_stream_begin(int fd, unsigned int timeout)
{
    return (struct proxy_stream){.fd = fd, .deadline = now() + timeout};
}

/* Waits until the stream can be read or written, or is at its end; false when time is up. */
static bool wait_for(const struct proxy_stream *stream, short events)
{
    struct pollfd pollfd = {.fd = stream->fd, .events = events};

    for (;;) {
        uint64_t at = now();
        int ready;

        if (at >= stream->deadline)
            return false;
        ready = poll(&pollfd, 1, (int)(stream->deadline - at));
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return false;
    }
}

static bool try_again(ssize_t moved)
{
    return moved < 0 && (errno == EINTR || errno == EAGAIN);
}

enum attest_error proxy_stream_drain(const struct proxy_stream *stream)
{
    struct pollfd pollfd = {.fd = stream->fd, .events = POLLIN};
    uint8_t stale[512];
    size_t drained = 0;

    while (poll(&pollfd, 1, 0) > 0) {
        ssize_t got = read(stream->fd, stale, sizeof(stale));

        if (try_again(got))
            continue;
        if (got <= 0)
            return ATTEST_ERR_PROXY_CLOSED;
        drained += (size_t)got;
        if (drained > DRAIN_MAX)
            return ATTEST_ERR_FRAME_SIZE;
    }
    return ATTEST_OK;
}

static enum attest_error send_bytes(const struct proxy_stream *stream, const void *bytes,
                                    size_t size)
{
    const uint8_t *next = bytes;

    while (size > 0) {
        ssize_t sent;

        if (!wait_for(stream, POLLOUT))
            return ATTEST_ERR_PROXY_SILENT;
        sent = write(stream->fd, next, size < WRITE_MAX ? size : WRITE_MAX);
        if (try_again(sent))
            continue;
        if (sent <= 0)
            return ATTEST_ERR_PROXY_CLOSED;
        next += sent;
        size -= (size_t)sent;
    }
    return ATTEST_OK;
}

static enum attest_error receive_bytes(const struct proxy_stream *stream, void *bytes, size_t size)
{
    uint8_t *next = bytes;

    while (size > 0) {
        ssize_t got;

        if (!wait_for(stream, POLLIN))
            return ATTEST_ERR_PROXY_SILENT;
        got = read(stream->fd, next, size);
        if (try_again(got))
            continue;
        if (got <= 0)
            return ATTEST_ERR_PROXY_CLOSED;
        next += got;
        size -= (size_t)got;
    }
    return ATTEST_OK;
}

enum attest_error proxy_stream_send(const struct proxy_stream *stream, const char *json)
{
    size_t size = strlen(json);
    uint8_t length[LENGTH_SIZE];
    enum attest_error error;

    put_le64(length, size);
    error = send_bytes(stream, length, sizeof(length));
    return error ? error : send_bytes(stream, json, size);
}

enum attest_error proxy_stream_receive(const struct proxy_stream *stream, char **json, size_t *size)
{
    uint8_t prefix[LENGTH_SIZE];
    enum attest_error error = receive_bytes(stream, prefix, sizeof(prefix));
    uint64_t length;

    *json = NULL;
    if (error)
        return error;
    length = get_le64(prefix);
    if (length == 0 || length > PROXY_FRAME_MAX)
        return ATTEST_ERR_FRAME_SIZE;
    *json = malloc(length);
    if (!*json)
        return ATTEST_ERR_INTERNAL;
    *size = length;
    error = receive_bytes(stream, *json, length);
    if (error) {
        free(*json);
        *json = NULL;
    }
    return error;
}
