/* SPDX-License-Identifier: MIT */
#include "emulator/cpu/fpu.h"

#include "emulator/platform/host.h"

static struct xsave_area area;

uint64_t fpu_xcr0(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low | (uint64_t)high << 32;
}

static void write_xcr0(uint64_t v)
{
    __asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}

uint64_t fpu_components(void)
{
    static uint64_t components;

    if (!components)
        components = (host_cpuid(0xD, 0).eax & XCR0_AVX) | XCR0_X87 | XCR0_SSE;
    return components;
}

void fpu_xsave(struct xsave_area *area, uint64_t components, bool wide)
{
    if (wide)
        __asm__ volatile("xsave64 %0" : "+m"(*area) : "a"((uint32_t)components), "d"(0));
    else
        __asm__ volatile("xsave %0" : "+m"(*area) : "a"((uint32_t)components), "d"(0));
}

void fpu_xrstor(const struct xsave_area *area, uint64_t components, bool wide)
{
    if (wide)
        __asm__ volatile("xrstor64 %0" : : "m"(*area), "a"((uint32_t)components), "d"(0));
    else
        __asm__ volatile("xrstor %0" : : "m"(*area), "a"((uint32_t)components), "d"(0));
}

uint32_t fpu_mxcsr(void)
{
    uint32_t mxcsr;

    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    return mxcsr;
}

void fpu_save(struct vmsa *to)
{
    uint64_t components = fpu_components();

    to->xcr0 = fpu_xcr0();
    write_xcr0(components);
    memset(&area, 0, sizeof(area));
    fpu_xsave(&area, components, true);
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
    uint64_t components = fpu_components();

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
    fpu_xrstor(&area, components, true);
    write_xcr0(from->xcr0 & components ? from->xcr0 & components : 1);
}
