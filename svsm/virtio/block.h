/* SPDX-License-Identifier: MIT */
/*
 * The state volume: a virtio-blk device (VIRTIO 1.2, section 5.2), one request at a time, polled.
 * What passes through here is encrypted and authenticated by the TPM service; the host may lose or
 * garble it, never read or forge it.
 */
#ifndef SNPVTPM_SVSM_VIRTIO_BLOCK_H
#define SNPVTPM_SVSM_VIRTIO_BLOCK_H

#include <stddef.h>

#include "svsm/sev/clock.h"
#include "svsm/sev/shared_memory.h"
#include "svsm/virtio/mmio.h"

#define BLOCK_SIZE         512
#define BLOCK_TRANSFER_MAX 0x10000 /* bytes of one request */

struct block_device {
    struct virtio_mmio transport;
    const struct clock *clock;
    struct shared_pages queue, bounce; /* the data of a request are in bounce */
    uint64_t size;                     /* bytes */
    uint16_t next;                     /* of the available and used rings, which go in step */
    bool can_flush;
    bool failed; /* after a timeout the device may still own the buffers: no more requests */
};

/* STATUS_NO_DEVICE when no slot holds a block device. */
MUST_CHECK enum status block_init(struct block_device *device, const struct clock *clock);

/*
 * size bytes, at most BLOCK_TRANSFER_MAX, at offset; both multiples of BLOCK_SIZE and inside the
 * device. Data come from, or are left in, device->bounce.
 */
MUST_CHECK enum status block_read(struct block_device *device, uint64_t offset, size_t size);
MUST_CHECK enum status block_write(struct block_device *device, uint64_t offset, size_t size);

/* Returns when all writes before are durable, as far as the host tells. */
MUST_CHECK enum status block_flush(struct block_device *device);

#endif
