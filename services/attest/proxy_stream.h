/* SPDX-License-Identifier: MIT */
/*
 * Frames over the byte stream to the host's proxy: a u64 length, then so many bytes of JSON.
 *
 * One deadline holds for everything sent and received on a stream, so that a host which trickles
 * bytes cannot hold up the boot for longer than one which is silent.
 */
#ifndef SNPVTPM_SERVICES_ATTEST_PROXY_STREAM_H
#define SNPVTPM_SERVICES_ATTEST_PROXY_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/must_check.h"
#include "services/attest/attest_error.h"

#define PROXY_FRAME_MAX 65536

/* A frame of which not all has arrived yet. */
struct proxy_frame {
    uint8_t length[sizeof(uint64_t)];
    char *json; /* NULL until its length is known */
    size_t got; /* bytes, the length's included */
};

struct proxy_stream {
    int fd;
    uint64_t deadline; /* of the monotonic clock, in milliseconds */
    uint64_t patience; /* likewise: the end of what a call waits for */
    unsigned int gap;  /* milliseconds between two bytes that it waits for */
    struct proxy_frame frame;
};

/* A stream on fd, which stays the caller's, with timeout milliseconds from now. */
struct proxy_stream proxy_stream_begin(int fd, unsigned int timeout);

/* What is received from now on is waited for so many milliseconds in all, but not past the
 * deadline; and no longer than gap when nothing comes. */
void proxy_stream_be_patient(struct proxy_stream *stream, unsigned int milliseconds,
                             unsigned int gap);

/* Forgets a frame that has not arrived whole. */
void proxy_stream_end(struct proxy_stream *stream);

/*
 * Throws away what can be read at once: what an earlier exchange, or noise on the line, left
 * behind. At most a few frames' worth: a host that keeps sending is a host that broke the protocol.
 */
MUST_CHECK enum attest_error proxy_stream_drain(const struct proxy_stream *stream);

/* Sends NUL-terminated JSON as one frame. */
MUST_CHECK enum attest_error proxy_stream_send(const struct proxy_stream *stream, const char *json);

/*
 * Receives one frame of *size bytes in *json, which the caller frees; NULL on error. With
 * ATTEST_ERR_PENDING patience is at its end, and the next call goes on with the same frame.
 */
MUST_CHECK enum attest_error proxy_stream_receive(struct proxy_stream *stream, char **json,
                                                  size_t *size);

#endif
