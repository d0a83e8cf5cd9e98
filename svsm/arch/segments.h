/* SPDX-License-Identifier: MIT */
/* Each vCPU's GDT, TSS and stacks for exceptions. */
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

/* Loads this vCPU's. */
void segments_init(void);

/* Where this vCPU's stack starts: one past its highest byte, a multiple of 16. */
const void *segments_stack_top(enum trap_stack stack);

/* Names the pages below all stacks of all vCPUs, which must be left unmapped. */
void segments_guards(void (*each)(const void *page));

#endif
