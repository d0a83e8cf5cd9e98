/* SPDX-License-Identifier: MIT */
/*
 * The local APIC is QEMU's own, and all VMPLs share it. Its interrupt commands pass through here,
 * because INIT and SMI would reach the processor below the guest: QEMU resets it, hypervisor and
 * all.
 */
#ifndef SNPVTPM_EMULATOR_VMM_APIC_H
#define SNPVTPM_EMULATOR_VMM_APIC_H

#include <stdint.h>

enum apic_command {
    APIC_DEVICE,  /* nothing for the VMM: the write goes to the APIC */
    APIC_INIT,    /* INIT of this processor */
    APIC_DROPPED, /* an SMI, which an SEV-ES guest has no use for, or INIT of nobody */
};

/* What a guest's write of memory, or of an MSR, means to the VMM. */
enum apic_command apic_mmio_command(uint64_t address, uint64_t value);
enum apic_command apic_msr_command(uint32_t msr, uint64_t value);

#endif
