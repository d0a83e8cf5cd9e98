/* SPDX-License-Identifier: MIT */
/*
 * The guest's way to QEMU's devices: ports and MMIO that it asks for through the GHCB.
 *
 * Most go straight to the device. Hidden are the hypervisor's own (debug console, debug exit, the
 * AMD-SP's doorbell, its memory) and the PCI function behind the SVSM's virtio-mmio slot.
 */
#ifndef SNPVTPM_EMULATOR_VMM_DEVICES_H
#define SNPVTPM_EMULATOR_VMM_DEVICES_H

#include "emulator/cpu/guest_memory.h"

/* Finds and takes over the hidden PCI function. */
void devices_init(void);

/* size is 1, 2 or 4 bytes. */
uint32_t port_read(uint16_t port, unsigned size);
void port_write(uint16_t port, unsigned size, uint32_t value);
/* Whether QEMU ends when this is written. */
bool port_powers_off(uint16_t port, uint32_t value);

/*
 * size is 1, 2, 4 or 8 bytes, within a page; false where the address is guest RAM. The SVSM's
 * virtio-mmio slots answer VMPL0 alone: to others nothing is there, as with a device of plane 0 in
 * the COCONUT project's QEMU.
 */
MUST_CHECK bool mmio_read(unsigned vmpl, gpa_t address, unsigned size, uint64_t *value);
MUST_CHECK bool mmio_write(unsigned vmpl, gpa_t address, unsigned size, uint64_t value);

#endif
