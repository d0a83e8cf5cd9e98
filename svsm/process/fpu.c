/* SPDX-License-Identifier: MIT */
#include "svsm/process/fpu.h"

#include "lib/base/bytes.h"
#include "svsm/arch/cpu.h"

#define LEAF_FEATURES      0x1u
#define FEATURES_ECX_XSAVE (1u << 26)
#define LEAF_XSAVE         0xDu
#define XCR0_X87           (1u << 0)
#define XCR0_SSE           (1u << 1)
#define XCR0_AVX           (1u << 2)

/* Offsets in the legacy area (APM vol. 2, 11.5). */
#define FCW_OFFSET   0
#define MXCSR_OFFSET 24
#define FCW_RESET    0x37F
#define MXCSR_RESET  0x1F80

void fpu_init(struct fpu *fpu, struct cpuid *cpuid)
{
    uint64_t xcr0 = XCR0_X87 | XCR0_SSE | (cpuid_read(cpuid, LEAF_XSAVE, 0).eax & XCR0_AVX);

    fpu->has_xsave = (cpuid_read(cpuid, LEAF_FEATURES, 0).ecx & FEATURES_ECX_XSAVE) != 0;
    cr0_write((cr0_read() & ~(CR0_EM | CR0_TS)) | CR0_MP);
    cr4_write(cr4_read() | CR4_OSFXSR | CR4_OSXMMEXCPT);
    if (!fpu->has_xsave)
        return;
    cr4_write(cr4_read() | CR4_OSXSAVE);
    xcr0_write(xcr0);
    cpuid_set_xcr0(cpuid, xcr0);
}

/* With XSTATE_BV zero, XRSTOR loads initial states; MXCSR is loaded as it stands. */
void fpu_reset(void *area)
{
    put_le16((uint8_t *)area + FCW_OFFSET, FCW_RESET);
    put_le32((uint8_t *)area + MXCSR_OFFSET, MXCSR_RESET);
}

void fpu_save(const struct fpu *fpu, void *area)
{
    if (fpu->has_xsave)
        xsave(area);
    else
        fxsave(area);
}

void fpu_restore(const struct fpu *fpu, const void *area)
{
    if (fpu->has_xsave)
        xrstor(area);
    else
        fxrstor(area);
}
