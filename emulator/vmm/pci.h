/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration space: the guest's accesses, with one function hidden, and the hypervisor's
 * own.
 */
#ifndef SNPVTPM_EMULATOR_VMM_PCI_H
#define SNPVTPM_EMULATOR_VMM_PCI_H

#include "emulator/platform/host.h"

/* The function that start-cvm.sh puts the SVSM's disk on: bus 0, device 30, function 0. */
#define PCI_HIDDEN_DEVICE 30

/* The hypervisor's own accesses to bus 0, function 0; offset a multiple of 4. */
uint32_t pci_config_read(unsigned device, unsigned offset);
void pci_config_write(unsigned device, unsigned offset, uint32_t value);

/* The guest's accesses to ports CF8 to CFF. */
uint32_t pci_port_read(uint16_t port, unsigned size);
void pci_port_write(uint16_t port, unsigned size, uint32_t value);

/* To be called after the guest wrote a device's register: it may have moved the ECAM window. */
void pci_ecam_written(uint64_t address);

/* Whether an MMIO address lies in the hidden function's part of the ECAM window. */
bool pci_ecam_hidden(uint64_t address);

#endif
