/* SPDX-License-Identifier: MIT */
/*
 * The virtio-mmio transport, version 2 (VIRTIO 1.2, section 4.2), behind GHCB MMIO exits. The
 * device is the host's: every value it gives is bounded by its user.
 */
#ifndef SNPVTPM_SVSM_VIRTIO_MMIO_H
#define SNPVTPM_SVSM_VIRTIO_MMIO_H

#include <stdint.h>

#include "svsm/base/address.h"
#include "svsm/base/status.h"
#include "svsm/sev/ghcb.h"

struct virtio_mmio {
    gpa_t base;
    uint64_t features; /* as negotiated */
};

enum virtio_device_id {
    VIRTIO_BLOCK = 2,
};

/* The first of the SVSM's slots that holds a device of this kind; STATUS_NO_DEVICE if none does. */
MUST_CHECK enum status virtio_mmio_find(struct virtio_mmio *device, enum virtio_device_id id);

/*
 * Resets it and agrees on those of the wanted features that it offers, VIRTIO_F_VERSION_1 and
 * VIRTIO_F_ACCESS_PLATFORM added; STATUS_UNSUPPORTED for a legacy device.
 */
MUST_CHECK enum status virtio_mmio_negotiate(struct virtio_mmio *device, uint64_t wanted);

/* Sets up queue 0: size entries; where its three parts lie. */
MUST_CHECK enum status virtio_mmio_set_queue(struct virtio_mmio *device, uint16_t size,
                                             gpa_t descriptors, gpa_t available, gpa_t used);

/* Tells the device that its driver is ready. */
MUST_CHECK enum status virtio_mmio_start(struct virtio_mmio *device);

/* Tells it that queue 0 has new entries. */
MUST_CHECK enum status virtio_mmio_notify(struct virtio_mmio *device);

/* A 64-bit field of the device's configuration, read consistently. */
MUST_CHECK enum status virtio_mmio_config64(struct virtio_mmio *device, unsigned offset,
                                            uint64_t *value);

#endif
