/* SPDX-License-Identifier: MIT */
/*
 * Frames of the SVSM attestation protocol on a byte stream that never ends: an 8-byte little-endian
 * length, then as many bytes of JSON.
 *
 * A serial line does not reconnect, so what is no frame is dropped and the next one awaited.
 */
#ifndef SNPVTPM_PROXY_FRAME_H
#define SNPVTPM_PROXY_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/must_check.h"
#include "proxy/line.h"

#define FRAME_MAX 65536 /* bytes of JSON */

enum frame_status {
    FRAME_OK,
    FRAME_CLOSED,     /* the peer is gone, or does not take what is sent, or memory is short */
    FRAME_BAD_LENGTH, /* 0 or more than FRAME_MAX; what had arrived has been dropped */
    FRAME_STALLED,    /* it stopped in the middle; what had arrived has been dropped */
    FRAME_IDLE,       /* none began in time */
    FRAME_STOPPED,    /* none had begun when the service was to end */
};

struct frame_limits {
    int first_ms; /* until a frame begins, or NO_LIMIT */
    int gap_ms;   /* between its bytes */
    int whole_ms; /* from its first byte to its last */
};

struct frame {
    size_t size;
    uint8_t *bytes; /* released with free() */
};

/*
 * Waits for a frame. Its bytes are bounded in time: a VM that was reset in the middle of a frame
 * must not leave a half to be completed by its next boot. Memory is taken when its length has
 * arrived; frame->bytes is NULL unless the result is FRAME_OK.
 */
MUST_CHECK enum frame_status frame_read(const struct line *line, const struct frame_limits *limits,
                                        struct frame *frame);

/*
 * Sends size bytes, at most FRAME_MAX, as a frame; FRAME_CLOSED when the peer does not take them
 * within the limits.
 */
MUST_CHECK enum frame_status frame_write(const struct line *line, const struct frame_limits *limits,
                                         const void *bytes, size_t size);

#endif
