/* SPDX-License-Identifier: MIT */
/*
 * The VM's processors: which there are, and the requests by which one of them starts, stops or
 * interrupts another. With the lock, as the whole VMM.
 */
#ifndef SNPVTPM_EMULATOR_VMM_PROCESSORS_H
#define SNPVTPM_EMULATOR_VMM_PROCESSORS_H

#include "emulator/cpu/vcpu.h"
#include "emulator/vmm/apic.h"

/* One for each CPU of the machine. Before the first runs. */
void processors_init(void);

/* That of a CPU of the machine; NULL: there is none with this APIC ID. */
struct vcpu *processor_find(uint64_t apic_id);

/* Carries out what the guest told its APIC. False: that is left to the device. */
MUST_CHECK bool processors_carry_out(const struct apic_command *command);

/*
 * AP_CREATION (GHCB specification, 4.1.9): request in info1 [15:0], VMPL [19:16], APIC ID [63:32];
 * info2 is the VMSA, sev_features what it says it has. False: the host refuses.
 */
enum ap_creation { AP_CREATE_ON_INIT = 0, AP_CREATE = 1, AP_DESTROY = 2 };
MUST_CHECK bool processors_create(struct vcpu *self, uint64_t info1, uint64_t info2,
                                  uint64_t sev_features);

#endif
