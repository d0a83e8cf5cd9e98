/* SPDX-License-Identifier: MIT */
/*
 * XSAVE as guests are offered it: x87, SSE and, where the CPU below has it, AVX.
 *
 * Every SNP processor has XSAVEC, and Linux as an SNP guest ends where CPUID shows leaf 0xD without
 * it. QEMU's TCG has no XSAVEC, nor an XRSTOR of what XSAVEC saves. Where it raises #UD for the one
 * and #GP for the other, the hypervisor carries both out. Some versions run XSAVEC as a no-op: on
 * those XSAVE is hidden unless it is asked for.
 */
#ifndef SNPVTPM_EMULATOR_CPU_XSAVE_H
#define SNPVTPM_EMULATOR_CPU_XSAVE_H

#include "emulator/cpu/context.h"
#include "emulator/cpu/instruction.h"
#include "emulator/platform/host.h"

#define LEAF_XSAVE 0xDu

enum xsave_wish {
    XSAVE_HIDDEN = 0,
    XSAVE_SHOWN = 1,
    XSAVE_WHERE_WHOLE = 2, /* where XSAVEC works, too */
};

/* On the first CPU, before the others: what the CPU below can do, and says so in the log. */
void xsave_init(enum xsave_wish wish);

/* Whether guests are offered XSAVE, and whether AVX with it. */
bool xsave_offered(void);
bool xsave_has_avx(void);

/* CPUID leaf 0xD where it is offered: its sizes are those for this XCR0. */
struct cpuid_result xsave_cpuid(uint32_t subleaf, uint64_t xcr0);

/* Whether #GP has to be intercepted for instruction_xrstor(). */
bool xsave_wants_gp(void);

/* XSAVEC, which the CPU below took for an undefined opcode; XRSTOR of a compacted area, for which
 * it raised #GP. With INSTRUCTION_NPF, *fault is the page. */
enum instruction_result instruction_xsavec(struct vmpl_context *context, gpa_t *fault);
enum instruction_result instruction_xrstor(struct vmpl_context *context, gpa_t *fault);

#endif
