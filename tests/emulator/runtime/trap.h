/* SPDX-License-Identifier: MIT */
/*
 * Exceptions of a test guest. An instruction that may raise one runs inside ATTEMPT(); what it
 * raised is then in last_trap. An exception anywhere else ends the guest with a message.
 */
#ifndef SNPVTPM_TESTS_EMULATOR_RUNTIME_TRAP_H
#define SNPVTPM_TESTS_EMULATOR_RUNTIME_TRAP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/snp/vmsa.h"
#include "tests/emulator/runtime/per_cpu.h"

#define VECTOR_NMI 2
#define VECTOR_BP  3
#define VECTOR_UD  6
#define VECTOR_GP  13
#define VECTOR_PF  14
#define VECTOR_VC  29
#define VECTOR_IPI 24 /* none of the CPU's, but with a gate */
#define NO_TRAP    ~0ull

/* What the stubs of vectors.S push. */
struct trap_frame {
    uint64_t registers[15];
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

struct trap {
    uint64_t vector; /* NO_TRAP: none */
    uint64_t error;
    uint64_t cr2;
    bool at_attempt; /* RIP was at the attempted instruction */
    struct trap_frame frame;
    uint64_t frame_end;   /* the stack pointer before the frame was pushed, rounded down to 16 */
    uint64_t rflags_then; /* RFLAGS in the handler */
};

extern struct trap PER_CPU last_trap;

/* NMIs of this processor since its start: they are counted and lead back to where they came. So are
 * interrupts with VECTOR_IPI that come outside an attempt. */
extern unsigned PER_CPU nmi_count;
extern unsigned PER_CPU ipi_count;

/* Of the attempt under way: where it is, where to go on after a trap and with which stack. */
extern uint64_t PER_CPU attempt_at;
extern uint64_t PER_CPU attempt_resume;
extern uint64_t PER_CPU attempt_stack;

/*
 * Runs one instruction; after it, optionally, comes the tail of an asm statement: outputs, inputs,
 * clobbers. Flags are as the instruction left them. A trapped instruction is skipped.
 */
#define ATTEMPT(instruction, ...)                                                                  \
    do {                                                                                           \
        last_trap.vector = NO_TRAP;                                                                \
        COMPILER_BARRIER();                                                                        \
        __asm__ volatile("movq %%rsp, %%gs:attempt_stack\n\t"                                      \
                         "movq $1f, %%gs:attempt_at\n\t"                                           \
                         "movq $2f, %%gs:attempt_resume\n\t"                                       \
                         "1: " instruction "\n\t"                                                  \
                         "2: movq $0, %%gs:attempt_resume" __VA_ARGS__);                           \
        COMPILER_BARRIER();                                                                        \
    } while (0)

/* The compiler does not know that an instruction may lead to trap_handle(). */
#define COMPILER_BARRIER() __asm__ volatile("" ::: "memory")

/* Sets up IDT and TSS, and loads them. */
void traps_init(void);

/* Fills in GDTR, IDTR and TR of another VMPL's VMSA: it shares the tables of this one. */
void traps_describe(struct vmsa *vmsa);

/* Lets the handler of a vector run on a stack of its own (IST 1), or on the interrupted one. */
void trap_use_own_stack(unsigned vector, bool own);
/* Where that stack begins, and the one for exceptions from CPL 3. */
uint64_t trap_own_stack_top(void);
uint64_t trap_user_stack_top(void);

/* Makes every exception undeliverable: an IDT without entries. */
void traps_forget(void);

/* Calls a function at CPL 3. */
void user_call(void (*function)(void));

#endif
