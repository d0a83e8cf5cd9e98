/* SPDX-License-Identifier: MIT */
/* What belongs to one vCPU, and is handed to whoever works on it. */
#ifndef SNPVTPM_SVSM_PROCESS_CPU_H
#define SNPVTPM_SVSM_PROCESS_CPU_H

#include "svsm/process/fpu.h"
#include "svsm/sev/clock.h"
#include "svsm/sev/cpuid.h"
#include "svsm/sev/ghcb.h"

struct process;

struct cpu {
    struct ghcb_link link;
    struct cpuid cpuid;
    struct clock clock;
    struct fpu fpu;
    struct process *running; /* in ring 3, or NULL */
};

#endif
