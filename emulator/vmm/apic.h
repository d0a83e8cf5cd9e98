/* SPDX-License-Identifier: MIT */
/*
 * Each local APIC is QEMU's own, and all VMPLs of its CPU share it. Interrupt commands pass through
 * here: fixed interrupts go on to the device, but INIT, STARTUP and SMI would reach the processor
 * below the guest, which QEMU resets, hypervisor and all, and NMIs are the hypervisor's kicks.
 */
#ifndef SNPVTPM_EMULATOR_VMM_APIC_H
#define SNPVTPM_EMULATOR_VMM_APIC_H

#include <stdint.h>

enum apic_kind {
    APIC_DEVICE, /* nothing for the VMM: the write goes to the APIC */
    APIC_INIT,
    APIC_STARTUP,
    APIC_NMI,
    APIC_DROPPED, /* an SMI, which an SEV-ES guest has no use for, or a new APIC ID, which KVM does
                     not take either */
};

struct apic_command {
    enum apic_kind kind;
    uint32_t targets; /* bit n: the processor with APIC ID n */
};

/* What this CPU's guest's write of memory, or of an MSR, means to the VMM. */
struct apic_command apic_mmio_command(uint64_t address, uint64_t value);
struct apic_command apic_msr_command(uint32_t msr, uint64_t value);

#endif
