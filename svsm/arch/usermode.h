/* SPDX-License-Identifier: MIT */
/*
 * Entering ring 3 and coming back. Each vCPU has one stack for the kernel: usermode_run() looks
 * like a function that returns when the service makes a system call or faults. The base of GS that
 * SWAPGS brings in is the vCPU's own, and only the first instructions of a system call use it.
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

struct cpu_local;

/* Sets this vCPU's system-call MSRs. */
void usermode_init(void);

/* Runs ring 3 on this vCPU, local, in the address space that is loaded, from and to *registers. */
enum user_exit usermode_run(struct cpu_local *local, struct user_registers *registers);

/* For the trap handler: makes usermode_run() return USER_EXIT_FAULT; local->fault describes it. */
_Noreturn void usermode_leave_on_fault(const struct user_fault *fault);

#endif
