/* SPDX-License-Identifier: MIT */
/*
 * Exceptions. Every vector has a stack of its own kind (IST), so a #VC or an event that the host
 * injects is survived wherever it hits, the first instructions of a system call included.
 *
 *   #VC    CPUID is answered from the CPUID page; page-not-validated is an attack, except during a
 *          copy from or to the guest's memory; anything else is fatal
 *   #PF    during such a copy, an error of that copy; anything else is fatal
 *   ring 3 anything else but CPUID ends the service
 *   interrupts, NMI, #HV: the host may inject them at any time; they are ignored
 */
#ifndef SVSM_ARCH_TRAPS_H
#define SVSM_ARCH_TRAPS_H

#include <stdint.h>

enum trap_vector {
    TRAP_NMI = 2,
    TRAP_DF = 8,
    TRAP_PF = 14,
    TRAP_HV = 28,
    TRAP_VC = 29,
    TRAP_EXCEPTIONS = 32, /* vectors from here on are interrupts */
};

/* What vectors.S leaves on the stack. */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

/* Loads GDT, TSS and IDT. */
void traps_init(void);

#endif
