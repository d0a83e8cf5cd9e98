/* SPDX-License-Identifier: MIT */
#include "emulator/cpu/xsave.h"

#include "emulator/cpu/fpu.h"
#include "emulator/cpu/operand.h"
#include "emulator/cpu/walk.h"

#define OPCODE_XSAVEC 0xC7u /* 0F C7 /4 */
#define REG_XSAVEC    4u
#define OPCODE_XRSTOR 0xAEu /* 0F AE /5 */
#define REG_XRSTOR    5u

#define XSAVEOPT 1u
#define XSAVEC   2u
#define XGETBV1  4u

#define AREA_ALIGNMENT 64u
#define XCOMP_COMPACT  (1ull << 63)
#define MXCSR_RESERVED 0xFFFF0000u

static bool offered, emulated;

void xsave_init(enum xsave_wish wish)
{
    const char *xsavec = "works";
    bool works = host_cpuid(LEAF_XSAVE, 1).eax & XSAVEC;

    if (!works) {
        emulated = host_xsavec_traps();
        xsavec = emulated ? "is carried out here" : "does nothing on this machine";
    }
    offered = wish == XSAVE_SHOWN || (wish == XSAVE_WHERE_WHOLE && (works || emulated));
    log_line("XSAVE is %s; XSAVEC %s", offered ? "offered" : "hidden", xsavec);
}

bool xsave_offered(void)
{
    return offered;
}

bool xsave_has_avx(void)
{
    return offered && (fpu_components() & XCR0_AVX);
}

bool xsave_wants_gp(void)
{
    return offered && emulated;
}

/* The compacted area is no smaller, as AVX is the only component beyond the header. */
static uint32_t area_size(uint64_t enabled)
{
    return (uint32_t)(enabled & XCR0_AVX ? sizeof(struct xsave_area)
                                         : offsetof(struct xsave_area, ymm_high));
}

struct cpuid_result xsave_cpuid(uint32_t subleaf, uint64_t xcr0)
{
    switch (subleaf) {
    case 0:
        return (struct cpuid_result){.eax = (uint32_t)fpu_components(),
                                     .ebx = area_size(xcr0),
                                     .ecx = area_size(fpu_components())};
    case 1:
        return (struct cpuid_result){.eax = XSAVEC |
                                            (host_cpuid(LEAF_XSAVE, 1).eax & (XSAVEOPT | XGETBV1)),
                                     .ebx = area_size(xcr0)};
    case 2:
        if (fpu_components() & XCR0_AVX)
            return (struct cpuid_result){.eax = sizeof(((struct xsave_area *)0)->ymm_high),
                                         .ebx = offsetof(struct xsave_area, ymm_high)};
        return (struct cpuid_result){0};
    default:
        return (struct cpuid_result){0};
    }
}

/* Before XSAVEC touches memory; XRSTOR went through all of this on the CPU below.
 * INSTRUCTION_UNKNOWN: go on. */
static enum instruction_result check(struct vmpl_context *context, const struct operand *operand)
{
    if (context->save->cr0 & CR0_TS) {
        context_inject(context, VECTOR_NM, 0);
        return INSTRUCTION_DONE;
    }
    if (operand->address % AREA_ALIGNMENT) {
        context_inject(context, VECTOR_GP, 0);
        return INSTRUCTION_DONE;
    }
    return INSTRUCTION_UNKNOWN;
}

static uint64_t requested(const struct vmsa *save)
{
    return ((uint32_t)save->rax | save->rdx << 32) & fpu_xcr0();
}

/* The parts of the area that belong to the components, and the two words of the header. */
static bool write_area(const struct vmpl_context *context, uint64_t to,
                       const struct xsave_area *area, uint64_t saved)
{
    const struct {
        uint64_t component;
        size_t offset, size;
    } parts[] = {
        {XCR0_X87, 0, offsetof(struct xsave_area, mxcsr)},
        {XCR0_SSE, offsetof(struct xsave_area, mxcsr), 8},
        {XCR0_X87, offsetof(struct xsave_area, st), sizeof(area->st)},
        {XCR0_SSE, offsetof(struct xsave_area, xmm), sizeof(area->xmm)},
        {~0ull, offsetof(struct xsave_area, xstate_bv), 16},
        {XCR0_AVX, offsetof(struct xsave_area, ymm_high), sizeof(area->ymm_high)},
    };
    bool written = true;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (parts[i].component == ~0ull || (parts[i].component & saved))
            written =
                written && guest_write(context, to + parts[i].offset,
                                       (const uint8_t *)area + parts[i].offset, parts[i].size);
    return written;
}

enum instruction_result instruction_xsavec(struct vmpl_context *context, gpa_t *fault)
{
    static struct xsave_area area;
    struct operand operand;
    enum instruction_result result;
    uint64_t asked;

    if (!xsave_wants_gp() || !operand_decode(context, &operand) ||
        operand.opcode != OPCODE_XSAVEC || operand.reg != REG_XSAVEC)
        return INSTRUCTION_UNKNOWN;
    if (!(context->save->cr4 & CR4_OSXSAVE))
        return INSTRUCTION_UNKNOWN; /* #UD */
    asked = requested(context->save);
    result = check(context, &operand);
    if (result == INSTRUCTION_UNKNOWN)
        result = operand_check(context, operand.address, area_size(asked), true, fault);
    if (result != INSTRUCTION_UNKNOWN)
        return result;
    memset(&area, 0, sizeof(area));
    fpu_xsave(&area, asked, operand.wide);
    area.xcomp_bv = XCOMP_COMPACT | asked;
    if (!write_area(context, operand.address, &area, area.xstate_bv & asked))
        die(HOST_EXIT_INTERNAL, "XSAVEC: an area at %lx that was checked", operand.address);
    context_skip(context, operand.length);
    return INSTRUCTION_DONE;
}

/* APM vol. 2, 11.5.6: what the header of a compacted area may say. */
static bool header_valid(const struct xsave_area *area)
{
    const uint8_t zeros[sizeof(area->reserved_210)] = {0};
    uint64_t present = area->xcomp_bv & ~XCOMP_COMPACT;

    return !(area->xstate_bv & ~present) && !(present & ~fpu_xcr0()) &&
           memcmp(area->reserved_210, zeros, sizeof(zeros)) == 0 &&
           (!(area->xstate_bv & XCR0_SSE) || !(area->mxcsr & MXCSR_RESERVED));
}

/* As an area of the standard format, which differs in what becomes of MXCSR: there it is loaded
 * with SSE or AVX, here with SSE only, and initial where SSE is. */
static void load(struct xsave_area *area, uint64_t asked, bool wide)
{
    area->xcomp_bv = 0;
    if (!(asked & XCR0_SSE))
        area->mxcsr = fpu_mxcsr();
    else if (!(area->xstate_bv & XCR0_SSE))
        area->mxcsr = VMSA_MXCSR_RESET;
    fpu_xrstor(area, asked, wide);
}

enum instruction_result instruction_xrstor(struct vmpl_context *context, gpa_t *fault)
{
    static struct xsave_area area;
    size_t basic = offsetof(struct xsave_area, ymm_high);
    struct operand operand;
    enum instruction_result result;
    uint64_t asked = requested(context->save);

    if (!operand_decode(context, &operand) || operand.opcode != OPCODE_XRSTOR ||
        operand.reg != REG_XRSTOR || operand.address % AREA_ALIGNMENT)
        return INSTRUCTION_UNKNOWN; /* #GP is for something else */
    result = operand_check(context, operand.address, basic, false, fault);
    if (result != INSTRUCTION_UNKNOWN)
        return result;
    memset(&area, 0, sizeof(area));
    if (!guest_read(context, operand.address, &area, basic) || !(area.xcomp_bv & XCOMP_COMPACT) ||
        !header_valid(&area))
        return INSTRUCTION_UNKNOWN;
    if (area.xstate_bv & asked & XCR0_AVX) {
        result =
            operand_check(context, operand.address + basic, sizeof(area.ymm_high), false, fault);
        if (result != INSTRUCTION_UNKNOWN)
            return result;
        if (!guest_read(context, operand.address + basic, area.ymm_high, sizeof(area.ymm_high)))
            return INSTRUCTION_UNKNOWN;
    }
    load(&area, asked, operand.wide);
    context_skip(context, operand.length);
    return INSTRUCTION_DONE;
}
