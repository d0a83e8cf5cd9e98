/* SPDX-License-Identifier: MIT */
/*
 * x87, SSE and AVX state of services; the kernel itself uses none of it. XSAVE where the CPUID page
 * offers it, else FXSAVE, and then without AVX.
 */
#ifndef SNPVTPM_SVSM_PROCESS_FPU_H
#define SNPVTPM_SVSM_PROCESS_FPU_H

#include <stdbool.h>

#include "svsm/sev/cpuid.h"

struct fpu {
    bool has_xsave;
};

/* Turns on what the CPUID page offers, x87 to AVX. */
void fpu_init(struct fpu *fpu, struct cpuid *cpuid);

/* Puts the initial state into a zeroed page. */
void fpu_reset(void *area);

void fpu_save(const struct fpu *fpu, void *area);
void fpu_restore(const struct fpu *fpu, const void *area);

#endif
