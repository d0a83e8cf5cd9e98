/* SPDX-License-Identifier: MIT */
/*
 * How often each VMPL left the processor and for what, and what it then asked the VMM for. Most of
 * these numbers are the same at each boot, whatever else the machine below has to do.
 */
#ifndef SNPVTPM_EMULATOR_CPU_COUNTS_H
#define SNPVTPM_EMULATOR_CPU_COUNTS_H

enum exit_kind {
    EXIT_VMRUN, /* entries; exits that follow on one another share one */
    /* What the CPU below was left for: */
    EXIT_CPUID,
    EXIT_IOIO,
    EXIT_MSR,
    EXIT_MMIO,
    EXIT_NOT_VALIDATED,
    EXIT_OWN_MSR, /* the GHCB's, SEV_STATUS, EFER: no #VC */
    EXIT_RMP,     /* PVALIDATE, RMPADJUST, RMPQUERY */
    EXIT_XSAVE,   /* XSAVEC and XRSTOR of what it saved */
    EXIT_VMGEXIT,
    EXIT_OTHER,
    /* What a VMGEXIT asked for: */
    CALL_PROTOCOL, /* by the GHCB MSR alone */
    CALL_CPUID,
    CALL_IOIO,
    CALL_MSR,
    CALL_MMIO,
    CALL_PSC,
    CALL_RUN_VMPL,
    CALL_OTHER,
    EXIT_KINDS,
};

struct vcpu;

/* Logs the exits of each VMPL since the last call, under the name of what ends now. */
void counts_log(struct vcpu *cpu, const char *until);

#endif
