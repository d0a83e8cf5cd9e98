/* SPDX-License-Identifier: MIT */
/* GDT, TSS and the stacks for exceptions. */
#ifndef SNPVTPM_SVSM_ARCH_SEGMENTS_H
#define SNPVTPM_SVSM_ARCH_SEGMENTS_H

#define KERNEL_CODE 0x08
#define KERNEL_DATA 0x10
#define USER_DATA   0x18
#define USER_CODE   0x20
#define TSS_SEGMENT 0x28

#define USER_CODE_RING3 (USER_CODE | 3)

/* Indices into the TSS's interrupt stack table. */
enum trap_stack {
    TRAP_STACK_VC = 1,
    TRAP_STACK_DF = 2,
    TRAP_STACK_PF = 3,
    TRAP_STACK_OTHER = 4, /* remaining exceptions */
    TRAP_STACK_EVENT = 5, /* NMI, #HV, interrupts */
    TRAP_STACKS = 5,
};

void segments_init(void);

/* Where the stack starts: one past its highest byte, a multiple of 16. */
const void *segments_stack_top(enum trap_stack stack);

/* The page below the stack, which must be left unmapped. */
void *segments_stack_guard(enum trap_stack stack);

#endif
