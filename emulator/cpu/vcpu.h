/* SPDX-License-Identifier: MIT */
/*
 * The virtual CPU: one context for each VMPL, each with a VMSA of its own, of which one runs.
 *
 * A VMSA is guest memory that the VMM may name but not read. While a VMPL runs its registers are
 * in the context's VMCB; they return to the VMSA when another VMPL takes the CPU, as on hardware
 * at every exit (no one can tell the difference with one vCPU).
 */
#ifndef SNPVTPM_EMULATOR_CPU_VCPU_H
#define SNPVTPM_EMULATOR_CPU_VCPU_H

#include "emulator/cpu/context.h"

/* Why the vCPU stopped and the VMM must act. */
enum vcpu_exit {
    VCPU_EXIT_VMGEXIT,
    VCPU_EXIT_PAGE,      /* C-bit and ownership disagree: a private access to a page of the host's,
                            or a shared one to a page of the guest's. fault, fault_private */
    VCPU_EXIT_FORBIDDEN, /* the RMP forbids the access and no VMM can change that */
    VCPU_EXIT_HALTED,    /* and nothing can wake it */
    VCPU_EXIT_SHUTDOWN,
    VCPU_EXIT_INVALID,
};

struct vcpu {
    struct vmpl_context contexts[VMPL_COUNT];
    struct vmpl_context *current; /* NULL before the first VMRUN */
    gpa_t fault;
    bool fault_private;
    bool nmi_pending; /* for the next VMPL that takes interrupts */
};

/* The SEV information response (GHCB specification, 2.3.1), which the GHCB MSR holds after reset.
 */
uint64_t vcpu_sev_information(void);

void vcpu_init(struct vcpu *cpu);

/* Whether a VMSA with these SEV_FEATURES can run. */
bool vcpu_features_supported(uint64_t sev_features);

/* The VMM names the VMSA page of a VMPL; it is looked at only when that VMPL is next entered. */
void vcpu_set_vmsa(struct vcpu *cpu, unsigned vmpl, gpa_t vmsa);

/* INIT: the VMSAs that wait for it take the place of the old ones. False: that of the VMPL that
 * runs is another one now, and cannot run. Else nothing changes: the host cannot reset registers
 * that it cannot reach. */
MUST_CHECK bool vcpu_take_init(struct vcpu *cpu);

/* Enters another VMPL: VMRUN's checks of the VMSA (APM 15.36.12), then its registers. False:
 * VMEXIT_INVALID, and the vCPU stays where it was. */
MUST_CHECK bool vcpu_enter(struct vcpu *cpu, unsigned vmpl);

/* Runs the current VMPL until something is left for the VMM. */
enum vcpu_exit vcpu_run(struct vcpu *cpu);

#endif
