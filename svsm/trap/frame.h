/* SPDX-License-Identifier: MIT */
/*
 * What the CPU leaves on a stack for an exception, and the proof that it did.
 *
 * Without restricted injection the host may inject any vector at any instruction, and the CPU
 * pushes an error code when the host says so, not when the vector has one. So nothing in a frame is
 * used before trap_frame_mistake() has found none.
 */
#ifndef SNPVTPM_SVSM_TRAP_FRAME_H
#define SNPVTPM_SVSM_TRAP_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum trap_vector {
    TRAP_NMI = 2,
    TRAP_UD = 6,
    TRAP_DF = 8,
    TRAP_GP = 13,
    TRAP_PF = 14,
    TRAP_HV = 28,
    TRAP_VC = 29,
    TRAP_EXCEPTIONS = 32, /* vectors from here on are interrupts */
    TRAP_VECTORS = 256,
};

#define TRAP_HAS_ERROR                                                                             \
    0x100 /* in a frame's vector: an error code was pushed; also in vectors.S                      \
           */

/* What vectors.S makes of it. */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector; /* with TRAP_HAS_ERROR */
    uint64_t error;  /* 0 when there was none */
    uint64_t rip, cs, rflags, rsp, ss;
};

static inline unsigned trap_vector(const struct trap_frame *frame)
{
    return frame->vector & (TRAP_VECTORS - 1);
}

/* Where a frame may come from. */
struct trap_place {
    const void *stack_top;           /* the frame ends here */
    uint64_t entry_start, entry_end; /* the code that enters and leaves handlers */
    uint64_t kernel_selector, user_selector;
};

/*
 * What is wrong with a frame, in words, or NULL: it does not lie at the top of its vector's stack,
 * has an error code where the vector has none or lacks one, comes from no code segment of ours, or
 * interrupted the handlers' own entry, which no exception does.
 */
const char *trap_frame_mistake(const struct trap_frame *frame, const struct trap_place *place);

/* Whether the host may inject this at any time by the rules: NMI, #HV, interrupts. */
bool trap_is_event(unsigned vector);

#endif
