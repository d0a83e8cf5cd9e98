/* SPDX-License-Identifier: MIT */
/*
 * The system calls of services: the subset of Linux x86-64's in docs/service-abi.md. Arguments are
 * in RDI, RSI, RDX, R10, R8, R9, the number in RAX, the result (or -errno) in RAX.
 */
#ifndef SNPVTPM_SVSM_PROCESS_SYSCALL_H
#define SNPVTPM_SVSM_PROCESS_SYSCALL_H

#include "svsm/process/process.h"

/* A call's arguments. */
struct syscall {
    struct process *process;
    uint64_t number;
    uint64_t arguments[6];
};

/* Handles the call that the registers show: writes RAX, or makes the process wait, or ends it. */
void syscall_handle(struct process *process);

/* By subject; each handles the numbers that syscall.c gives it. */
int64_t syscall_file(const struct syscall *call);
int64_t syscall_memory(const struct syscall *call);
int64_t syscall_system(const struct syscall *call);

#endif
