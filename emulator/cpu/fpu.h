/* SPDX-License-Identifier: MIT */
/* x87, SSE and AVX registers between the CPU and a VMSA (offsets 0x3E8 and 0x400 to 0x66F). */
#ifndef SNPVTPM_EMULATOR_CPU_FPU_H
#define SNPVTPM_EMULATOR_CPU_FPU_H

#include <stdbool.h>

#include "lib/snp/vmsa.h"

#define XCR0_X87 0x1ull
#define XCR0_SSE 0x2ull
#define XCR0_AVX 0x4ull

/* XSAVE area: the legacy region of FXSAVE64, the header, the AVX component (APM vol. 2, 11.5). */
struct xsave_area {
    uint16_t fcw, fsw;
    uint8_t ftw, reserved_5;
    uint16_t fop;
    uint64_t rip, dp;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t st[8][16]; /* 10 bytes each */
    uint8_t xmm[16][16];
    uint8_t reserved_1a0[96];
    uint64_t xstate_bv, xcomp_bv;
    uint8_t reserved_210[48];
    uint8_t ymm_high[16][16];
} __attribute__((aligned(64)));

static_assert(offsetof(struct xsave_area, xmm) == 160, "XSAVE area");
static_assert(offsetof(struct xsave_area, xstate_bv) == 512, "XSAVE area");
static_assert(offsetof(struct xsave_area, ymm_high) == 576, "XSAVE area");

void fpu_save(struct vmsa *to);
void fpu_load(const struct vmsa *from);

/* The components that a VMSA has room for and the CPU below has. */
uint64_t fpu_components(void);

/* Of the VMPL that runs: its registers and its XCR0 are in the CPU. The components must be enabled
 * there; wide: as with REX.W. */
uint64_t fpu_xcr0(void);
uint32_t fpu_mxcsr(void);
void fpu_xsave(struct xsave_area *area, uint64_t components, bool wide);
void fpu_xrstor(const struct xsave_area *area, uint64_t components, bool wide);

#endif
