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
#define DRAIN_GAP   20 /* milliseconds */
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
    uint64_t deadline = now() + timeout;

    return (struct proxy_stream){
        .fd = fd, .deadline = deadline, .patience = deadline, .gap = timeout};
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void proxy_stream_be_patient(struct proxy_stream *stream, unsigned int milliseconds,
                             unsigned int gap)
{
    stream->patience = earlier(now() + milliseconds, stream->deadline);
    stream->gap = gap;
}

void proxy_stream_end(struct proxy_stream *stream)
{
    free(stream->frame.json);
    stream->frame = (struct proxy_frame){0};
}

/* Waits until the stream can be read or written, or is at its end; false when time is up. */
static bool wait_for(const struct proxy_stream *stream, short events, uint64_t until)
{
    struct pollfd pollfd = {.fd = stream->fd, .events = events};

    for (;;) {
        uint64_t at = now();
        /* What is there counts, though it may have been there for long: nobody looked. */
        int ready = poll(&pollfd, 1, at < until ? (int)(until - at) : 0);

        if (ready > 0)
            return true;
        if (at >= until || (ready < 0 && errno != EINTR))
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

    /* What is left of a frame arrives in pieces, as large as the line's buffer. */
    while (poll(&pollfd, 1, drained == 0 || now() >= stream->deadline ? 0 : DRAIN_GAP) > 0) {
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

        if (!wait_for(stream, POLLOUT, stream->deadline))
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

/* Goes on with the frame until it has size bytes; to is where its next ones belong. */
static enum attest_error receive_until(struct proxy_stream *stream, void *to, size_t size)
{
    struct proxy_frame *frame = &stream->frame;
    uint8_t *next = to;

    while (frame->got < size) {
        ssize_t got;

        if (!wait_for(stream, POLLIN, earlier(now() + stream->gap, stream->patience)))
            return now() < stream->deadline ? ATTEST_ERR_PENDING : ATTEST_ERR_PROXY_SILENT;
        got = read(stream->fd, next, size - frame->got);
        if (try_again(got))
            continue;
        if (got <= 0)
            return ATTEST_ERR_PROXY_CLOSED;
        next += got;
        frame->got += (size_t)got;
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

/* Up to the frame's length; makes room for the rest. */
static enum attest_error receive_length(struct proxy_stream *stream, uint64_t *length)
{
    struct proxy_frame *frame = &stream->frame;
    enum attest_error error = ATTEST_OK;

    if (frame->got < LENGTH_SIZE)
        error = receive_until(stream, frame->length + frame->got, LENGTH_SIZE);
    if (error)
        return error;
    *length = get_le64(frame->length);
    if (*length == 0 || *length > PROXY_FRAME_MAX)
        return ATTEST_ERR_FRAME_SIZE;
    if (!frame->json)
        frame->json = malloc(*length);
    return frame->json ? ATTEST_OK : ATTEST_ERR_INTERNAL;
}

enum attest_error proxy_stream_receive(struct proxy_stream *stream, char **json, size_t *size)
{
    struct proxy_frame *frame = &stream->frame;
    uint64_t length;
    enum attest_error error = receive_length(stream, &length);

    *json = NULL;
    if (!error)
        error =
            receive_until(stream, frame->json + (frame->got - LENGTH_SIZE), LENGTH_SIZE + length);
    if (error == ATTEST_ERR_PENDING)
        return error;
    if (!error) {
        *json = frame->json;
        *size = length;
        frame->json = NULL;
    }
    proxy_stream_end(stream);
    return error;
}
