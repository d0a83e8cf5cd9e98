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

struct proxy_stream {
    int fd;
    uint64_t deadline; /* of the monotonic clock, in milliseconds */
};

/* A stream on fd, which stays the caller's, with timeout milliseconds from now. */
struct proxy_stream proxy_stream_begin(int fd, unsigned int timeout);

/*
 * Throws away what can be read at once: what an earlier exchange, or noise on the line, left
 * behind. At most a few frames' worth: a host that keeps sending is a host that broke the protocol.
 */
MUST_CHECK enum attest_error proxy_stream_drain(const struct proxy_stream *stream);

/* Sends NUL-terminated JSON as one frame. */
MUST_CHECK enum attest_error proxy_stream_send(const struct proxy_stream *stream, const char *json);

/* Receives one frame of *size bytes in *json, which the caller frees; NULL on error. */
MUST_CHECK enum attest_error proxy_stream_receive(const struct proxy_stream *stream, char **json,
                                                  size_t *size);

#endif
