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

#include "lib/base/reader.h"

#define FRAME_MAX 65536 /* bytes of JSON */

enum frame_status {
    FRAME_OK,
    FRAME_CLOSED,     /* the peer is gone, or does not take what is sent */
    FRAME_BAD_LENGTH, /* 0 or more than FRAME_MAX; what had arrived has been dropped */
    FRAME_STALLED,    /* it stopped in the middle; what had arrived has been dropped */
};

struct frame {
    size_t size;
    uint8_t bytes[FRAME_MAX];
};

/*
 * Waits for a frame, without limit for its first byte and gap_ms for each next one: a VM that was
 * reset in the middle of a frame must not leave a half to be completed by its next boot.
 */
MUST_CHECK enum frame_status frame_read(int fd, int gap_ms, struct frame *frame);

/* Sends size bytes as a frame; FRAME_CLOSED when the peer takes nothing for gap_ms. */
MUST_CHECK enum frame_status frame_write(int fd, int gap_ms, const void *bytes, size_t size);

#endif
