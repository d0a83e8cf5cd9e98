/* SPDX-License-Identifier: MIT */
/*
 * What one VMPL has on the CPU: its VMSA, its registers while it runs, its GHCB. What the CPU does
 * for it (cpu/walk.h, cpu/vc.h, cpu/instruction.h) works on this; cpu/vcpu.h chooses among four.
 */
#ifndef SNPVTPM_EMULATOR_CPU_CONTEXT_H
#define SNPVTPM_EMULATOR_CPU_CONTEXT_H

#include "emulator/cpu/counts.h"
#include "emulator/cpu/guest_memory.h"
#include "emulator/cpu/vmcb.h"

#define NO_GPA (~0ull)

struct vmpl_context {
    unsigned vmpl;
    struct vmcb *vmcb;  /* NULL until the VMPL has a VMSA */
    struct vmsa *save;  /* the registers: &vmcb->save */
    gpa_t vmsa;         /* NO_GPA: none */
    gpa_t vmsa_on_init; /* what takes its place at the next INIT; NO_GPA: nothing does */
    uint64_t ghcb_msr;
    gpa_t ghcb;           /* the registered GHCB; NO_GPA: none */
    bool nmi_masked;      /* one was delivered, and no IRET followed */
    bool in_line;         /* RIP is where context_skip() left it */
    uint64_t npt_version; /* of the nested tables, when it last ran */
    uint64_t exits[EXIT_KINDS];
};

#define VECTOR_DE  0
#define VECTOR_NMI 2
#define VECTOR_UD  6
#define VECTOR_NM  7
#define VECTOR_DF  8
#define VECTOR_TS  10
#define VECTOR_GP  13
#define VECTOR_PF  14
#define VECTOR_CP  21
#define VECTOR_HV  28
#define VECTOR_VC  29
#define VECTOR_SX  30

/* Error code of #PF. */
#define PF_PRESENT (1u << 0)
#define PF_WRITE   (1u << 1)
#define PF_USER    (1u << 2)

static inline bool guest_in_long_mode(const struct vmpl_context *context)
{
    return context->save->efer & EFER_LMA;
}

static inline bool guest_in_64bit_mode(const struct vmpl_context *context)
{
    return guest_in_long_mode(context) && (context->save->cs.attributes & SEGMENT_L);
}

/* Raises an exception at the next entry; error is used for vectors that have one. */
void context_inject(struct vmpl_context *context, unsigned vector, uint32_t error);

/* Moves RIP past an instruction that the hypervisor has carried out. */
void context_skip(struct vmpl_context *context, unsigned length);

#endif
