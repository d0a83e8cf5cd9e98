/* SPDX-License-Identifier: MIT */
/* Launch of an SNP guest from an IGVM file: QEMU's part and KVM's (docs/emulator.md). */
#ifndef SNPVTPM_EMULATOR_VMM_LAUNCH_H
#define SNPVTPM_EMULATOR_VMM_LAUNCH_H

#include "emulator/cpu/vcpu.h"

/* Loads and measures the file, and names the boot processor's VMSA. Ends the machine on failure. */
void launch(struct vcpu *cpu, const uint8_t *igvm, size_t size);

#endif
