/* SPDX-License-Identifier: MIT */
/* What belongs to one vCPU: nobody else touches it once it runs. */
#ifndef SNPVTPM_SVSM_PROCESS_CPU_H
#define SNPVTPM_SVSM_PROCESS_CPU_H

#include "svsm/arch/cpu_area.h"
#include "svsm/process/fpu.h"
#include "svsm/sev/clock.h"
#include "svsm/sev/cpuid.h"
#include "svsm/sev/ghcb.h"

struct process;

struct cpu {
    struct ghcb_link link;
    struct cpuid cpuid;
    struct clock clock;
    struct process *running; /* in ring 3, or NULL */
    unsigned index;          /* of its area */
    uint32_t apic_id;
    struct fpu fpu;
    bool started;
};

/* The vCPU that executes this. */
static inline struct cpu *cpu_this(void)
{
    return cpu_local()->cpu;
}

#endif
