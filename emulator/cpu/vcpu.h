/* SPDX-License-Identifier: MIT */
/*
 * A virtual CPU, which runs on the machine's CPU of the same number: one context for each VMPL,
 * each with a VMSA of its own, of which one runs.
 *
 * A VMSA is guest memory that the VMM may name but not read. While a VMPL runs its registers are
 * in the context's VMCB; they return to the VMSA, and it is in use no longer, when another VMPL
 * takes the CPU or the VMSA is replaced. On hardware they return at every exit.
 *
 * Functions are called with the lock (platform/cpus.h), on the vCPU's own CPU but where they say
 * so.
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
    VCPU_EXIT_LENT,      /* a less privileged VMPL halted, and VMPL0 may have the CPU in between */
    VCPU_EXIT_HALTED,    /* and nothing can wake it */
    VCPU_EXIT_SHUTDOWN,
    VCPU_EXIT_INVALID,
};

#define NO_VMPL VMPL_COUNT

struct vcpu {
    unsigned index; /* and APIC ID */
    struct vmpl_context contexts[VMPL_COUNT];
    struct vmpl_context *current; /* NULL: none has ever run, or its VMSA was taken away */
    struct vmcb *idle;            /* what runs while a VMPL halts */
    uint64_t lent;                /* time-stamp counter: when VMPL0 had the CPU last */
    gpa_t fault;
    bool fault_private;
    bool nmi_pending; /* for the next VMPL that takes interrupts */
    /* How it waits. */
    bool stopped; /* by INIT */
    bool held;    /* by itself, vcpu_hold() */
    /* Orders (cpu/orders.h). */
    bool init, startup;
    bool wake;         /* ends the HLT of the VMPL that runs, or its next one */
    unsigned next;     /* the VMPL to enter; NO_VMPL: none */
    unsigned replaces; /* the VMPL that ran then: its VMSA by replacement; NO_VMPL: none */
    gpa_t replacement;
};

/* The SEV information response (GHCB specification, 2.3.1), which the GHCB MSR holds after reset.
 */
uint64_t vcpu_sev_information(void);

/* On any CPU, before all others; and once more on its own. */
void vcpu_init(struct vcpu *cpu, unsigned index);
void vcpu_start(void);

/* From now on VMPL0 has the CPU for a moment when a less privileged VMPL halts, some times a
 * second. No host must do that, and KVM does not. */
void vcpu_lend(void);

/* Whether a VMSA with these SEV_FEATURES can run. */
bool vcpu_features_supported(uint64_t sev_features);

/* The VMM names the VMSA page of a VMPL that does not run; it is looked at only when that VMPL is
 * next entered. On any CPU. */
void vcpu_set_vmsa(struct vcpu *cpu, unsigned vmpl, gpa_t vmsa);

/* Enters another VMPL: VMRUN's checks of the VMSA (APM 15.36.12), then its registers. False:
 * VMEXIT_INVALID, and the vCPU stays where it was. */
MUST_CHECK bool vcpu_enter(struct vcpu *cpu, unsigned vmpl);

/* Why it failed, in words. */
const char *vcpu_why_not(const struct vcpu *cpu, unsigned vmpl);

/* The registers of the VMPL that runs return to its VMSA, and none runs any more. */
void vcpu_leave(struct vcpu *cpu);

/* Runs the current VMPL, when there is one, until something is left for the VMM. Gives the lock up
 * meanwhile. */
enum vcpu_exit vcpu_run(struct vcpu *cpu);

/* Runs a guest that halts, until an interrupt for this CPU or an NMI is there; both stay pending.
 * Without the lock: it reaches none of the guest's memory. */
void vcpu_run_idle(struct vcpu *cpu);

#endif
