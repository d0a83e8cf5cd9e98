/* SPDX-License-Identifier: MIT */
/* x87, SSE and AVX registers between the CPU and a VMSA (offsets 0x3E8 and 0x400 to 0x66F). */
#ifndef SNPVTPM_EMULATOR_CPU_FPU_H
#define SNPVTPM_EMULATOR_CPU_FPU_H

#include "lib/snp/vmsa.h"

void fpu_save(struct vmsa *to);
void fpu_load(const struct vmsa *from);

#endif
