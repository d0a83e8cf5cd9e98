/* SPDX-License-Identifier: MIT */
/*
 * Other processors. Each runs functions of this image at VMPL0, one at a time, with a stack, a GHCB
 * and PER_CPU variables of its own. What they find they leave for the first one, which checks it.
 */
#ifndef SNPVTPM_TESTS_EMULATOR_RUNTIME_CPUS_H
#define SNPVTPM_TESTS_EMULATOR_RUNTIME_CPUS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/snp/vmsa.h"
#include "tests/emulator/runtime/per_cpu.h"

#define CPUS_MAX 8

/* Of the processor that asks. */
extern unsigned PER_CPU this_cpu;

/* The page in which the host lists the APIC IDs: their number, then they (GHCB, 4.1.12). */
const uint32_t *cpu_ids(void);

/* AP_CREATION of a VMSA for a VMPL of a processor; SW_EXITINFO1 of the answer. */
uint64_t cpu_request(unsigned kind, unsigned vmpl, unsigned cpu, const struct vmsa *vmsa);

/* A VMSA page with which a processor runs a function, which must not return. */
struct vmsa *cpu_new_vmsa(unsigned cpu, void (*entry)(unsigned cpu));

/* Starts a processor that has never run: it waits for work. The VMSA that it runs from. */
struct vmsa *cpu_start(unsigned cpu);

/* Gives it a function to call, and waits until it is done with it. */
void cpu_begin(unsigned cpu, void (*function)(void));
void cpu_finish(unsigned cpu);

/* Where it waits for work: for cpu_new_vmsa(). */
_Noreturn void cpu_main(unsigned cpu);

static inline void pause(void)
{
    __asm__ volatile("pause" ::: "memory");
}

#endif
