/* SPDX-License-Identifier: MIT */
/*
 * The memory operand of an instruction 0F xx /r that the CPU below did not carry out (APM vol. 3,
 * 1.2 to 1.4), and whether the guest may access it.
 */
#ifndef SNPVTPM_EMULATOR_CPU_OPERAND_H
#define SNPVTPM_EMULATOR_CPU_OPERAND_H

#include "emulator/cpu/context.h"
#include "emulator/cpu/instruction.h"

struct operand {
    uint64_t address; /* linear */
    unsigned opcode;  /* the byte after 0F */
    unsigned reg;     /* ModRM.reg, without REX.R */
    unsigned length;  /* of the whole instruction */
    bool wide;        /* REX.W */
};

/* Decodes the instruction at RIP. False: another form, with a register or 16-bit addresses, or one
 * with a prefix that makes it a different instruction. */
MUST_CHECK bool operand_decode(const struct vmpl_context *context, struct operand *out);

/*
 * INSTRUCTION_UNKNOWN: all of the bytes may be read (or written; then their pages are marked as
 * such), go on. INSTRUCTION_DONE: they may not, and #GP or #PF is pending. INSTRUCTION_NPF: *fault
 * is a page that the RMP keeps from this VMPL.
 */
enum instruction_result operand_check(struct vmpl_context *context, uint64_t address, size_t size,
                                      bool write, gpa_t *fault);

#endif
