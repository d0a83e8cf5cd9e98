/* SPDX-License-Identifier: MIT */
#include "emulator/cpu/fpu.h"

#include "emulator/platform/host.h"

#define XCR0_X87_SSE 0x3ull
#define XCR0_AVX     0x4ull

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

static struct xsave_area area;

static uint64_t read_xcr0(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low | (uint64_t)high << 32;
}

static void write_xcr0(uint64_t v)
{
    __asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}

static uint64_t all_components(void)
{
    static uint64_t components;

    if (!components)
        components = (host_cpuid(0xD, 0).eax & XCR0_AVX) | XCR0_X87_SSE;
    return components;
}

void fpu_save(struct vmsa *to)
{
    uint64_t components = all_components();

    to->xcr0 = read_xcr0();
    write_xcr0(components);
    memset(&area, 0, sizeof(area));
    __asm__ volatile("xsave64 %0" : "+m"(area) : "a"((uint32_t)components), "d"(0));
    to->mxcsr = area.mxcsr;
    to->x87_fcw = area.fcw;
    to->x87_fsw = area.fsw;
    to->x87_ftw = area.ftw;
    to->x87_fop = area.fop;
    to->x87_rip = area.rip;
    to->x87_dp = area.dp;
    for (size_t i = 0; i < 8; i++)
        memcpy(to->fpreg_x87 + 10 * i, area.st[i], 10);
    memcpy(to->fpreg_xmm, area.xmm, sizeof(to->fpreg_xmm));
    memcpy(to->fpreg_ymm, area.ymm_high, sizeof(to->fpreg_ymm));
}

void fpu_load(const struct vmsa *from)
{
    uint64_t components = all_components();

    memset(&area, 0, sizeof(area));
    area.mxcsr = from->mxcsr;
    area.fcw = from->x87_fcw;
    area.fsw = from->x87_fsw;
    area.ftw = (uint8_t)from->x87_ftw;
    area.fop = from->x87_fop;
    area.rip = from->x87_rip;
    area.dp = from->x87_dp;
    for (size_t i = 0; i < 8; i++)
        memcpy(area.st[i], from->fpreg_x87 + 10 * i, 10);
    memcpy(area.xmm, from->fpreg_xmm, sizeof(from->fpreg_xmm));
    memcpy(area.ymm_high, from->fpreg_ymm, sizeof(from->fpreg_ymm));
    area.xstate_bv = components;
    write_xcr0(components);
    __asm__ volatile("xrstor64 %0" : : "m"(area), "a"((uint32_t)components), "d"(0));
    write_xcr0(from->xcr0 & components ? from->xcr0 & components : 1);
}
