/* SPDX-License-Identifier: MIT */
/*
 * A service's process. It has no time of its own: process_run() enters ring 3 and comes back when
 * the process waits for a request, or has ended. There is no scheduler, no signal and no thread.
 */
#ifndef SNPVTPM_SVSM_PROCESS_PROCESS_H
#define SNPVTPM_SVSM_PROCESS_PROCESS_H

#include "svsm/arch/usermode.h"
#include "svsm/mm/address_space.h"
#include "svsm/process/cpu.h"
#include "svsm/process/elf.h"
#include "svsm/process/file.h"

#define PROCESS_FILES_MAX 10
#define SYSCALL_NUMBERS   512

enum process_state {
    PROCESS_READY,
    PROCESS_WAITING, /* in a system call that is tried again when it runs next */
    PROCESS_ENDED,
};

struct process {
    struct cpu *cpu; /* where it runs now; whoever holds its service's lock runs it */
    const char *name;
    enum process_state state;
    int pid;
    struct user_registers registers;
    uint64_t fs_base;
    void *fpu; /* XSAVE area, one page */
    struct address_space space;
    uint64_t break_start, break_now; /* the heap of brk() */
    struct file files[PROCESS_FILES_MAX];
    bool reported[SYSCALL_NUMBERS]; /* system calls that are not offered and were named */
};

/*
 * Makes a process of a static ELF file, which lies page-aligned in the SVSM's memory and stays
 * there: read-only segments are mapped in place. Descriptors are the caller's to fill in.
 */
MUST_CHECK enum status process_create(struct process *process, int pid, const char *name,
                                      gpa_t file, size_t size);

/* Runs until it waits (STATUS_OK) or has ended (STATUS_PROCESS_ENDED). */
MUST_CHECK enum status process_run(struct process *process);

/* Ends it, frees and wipes its memory; why is for the console. */
void process_end(struct process *process, const char *why, uint64_t code);

/* For the trap handler: reads the memory of the process that runs on this vCPU. */
MUST_CHECK enum status process_peek(const struct cpu *cpu, uva_t from, void *to, size_t size);

#endif
