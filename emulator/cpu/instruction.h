/* SPDX-License-Identifier: MIT */
/* Instructions that the nested SVM hands to the hypervisor and that the CPU carries out itself. */
#ifndef SNPVTPM_EMULATOR_CPU_INSTRUCTION_H
#define SNPVTPM_EMULATOR_CPU_INSTRUCTION_H

#include "emulator/cpu/context.h"

enum instruction_result {
    INSTRUCTION_DONE,    /* carried out, or an exception is pending for the guest */
    INSTRUCTION_UNKNOWN, /* not one of these */
    INSTRUCTION_NPF,     /* it touches a page that the guest does not own: for the VMM */
};

/* PVALIDATE, RMPADJUST, RMPQUERY (APM vol. 3), which the CPU below takes for undefined opcodes.
 * With INSTRUCTION_NPF, *fault is the page. */
enum instruction_result instruction_rmp(struct vmpl_context *context, gpa_t *fault);

/*
 * INVLPGB and TLBSYNC (APM vol. 3), which are for VMs, too, where the host says so; this one does.
 * No processor has a translation from before, when they return.
 */
enum instruction_result instruction_broadcast(struct vmpl_context *context);

/* MOV to CR0, intercepted because CR0.PG decides what an address means. */
enum instruction_result instruction_mov_cr0(struct vmpl_context *context);

/* By its number in instructions, RAX 0 to R15. */
uint64_t *general_register(struct vmsa *save, unsigned number);

/* RDMSR and WRMSR of the MSRs that SEV-SNP adds or changes: GHCB, SEV_STATUS, EFER. */
enum instruction_result instruction_msr(struct vmpl_context *context, bool write);

/* Whether the VMMCALL at RIP is a VMGEXIT, that is, has a REP prefix. */
bool instruction_is_vmgexit(const struct vmpl_context *context);

/*
 * Whether the instruction at RIP is one that the hypervisor carries out for the CPU, and follows in
 * the same page on another such: then VMRUN would come back at once, and the VMCB says already what
 * for. A guest writes the GHCB MSR, exits and reads that MSR in a row; under QEMU each VMRUN costs
 * all translations.
 */
bool instruction_exits_at_once(const struct vmpl_context *context);

#define VMGEXIT_LENGTH 4
#define MSR_LENGTH     2

#endif
