/* SPDX-License-Identifier: MIT */
/*
 * The SVSM's disk: virtio-mmio slots (version 2, as QEMU's x-svsm-virtio-mmio has them) whose first
 * is a virtio-pci device of QEMU, register by register. The queues are the guest's shared memory,
 * which the device reaches by DMA as any other would.
 */
#ifndef SNPVTPM_EMULATOR_VMM_VIRTIO_MMIO_H
#define SNPVTPM_EMULATOR_VMM_VIRTIO_MMIO_H

#include "emulator/platform/host.h"

#define VIRTIO_MMIO_BASE  0xFEF00000ull
#define VIRTIO_MMIO_SLOTS 4
#define VIRTIO_MMIO_SIZE  (VIRTIO_MMIO_SLOTS * PAGE_SIZE)

/* Takes over the hidden PCI function if it is a modern virtio device; the slots are empty if not.
 */
void virtio_mmio_init(void);

/* Whether an address belongs to the PCI device's own registers, which the guest must not see. */
bool virtio_mmio_owns(uint64_t address);

/* offset from VIRTIO_MMIO_BASE; size 1, 2, 4 or 8. */
uint64_t virtio_mmio_read(uint64_t offset, unsigned size);
void virtio_mmio_write(uint64_t offset, unsigned size, uint64_t value);

#endif
