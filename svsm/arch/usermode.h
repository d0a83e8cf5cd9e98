/* SPDX-License-Identifier: MIT */
/*
 * Entering ring 3 and coming back. The kernel has one stack: usermode_run() looks like a function
 * that returns when the service makes a system call or faults. One vCPU, so plain variables hold
 * what a per-CPU area would; GS is not used.
 */
#ifndef SNPVTPM_SVSM_ARCH_USERMODE_H
#define SNPVTPM_SVSM_ARCH_USERMODE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

struct user_registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip, rflags;
};

static_assert(offsetof(struct user_registers, r8) == 0x40, "usermode.S");
static_assert(offsetof(struct user_registers, rip) == 0x80, "usermode.S");

enum user_exit {
    USER_EXIT_SYSCALL = 0, /* also in usermode.S */
    USER_EXIT_FAULT = 1,
};

/* What ended a service's run by a fault. */
struct user_fault {
    uint64_t vector, error, rip, address;
};

/* Sets the system-call MSRs. */
void usermode_init(void);

/* Runs ring 3 in the address space that is loaded, from and to *registers. */
enum user_exit usermode_run(struct user_registers *registers);

/* For the trap handler: makes usermode_run() return USER_EXIT_FAULT. */
_Noreturn void usermode_leave_on_fault(const struct user_fault *fault);

/* Describes the last USER_EXIT_FAULT. */
const struct user_fault *usermode_fault(void);

#endif
