/* SPDX-License-Identifier: MIT */
/*
 * XSAVE: what CPUID says of it, XCR0 and the registers of each VMPL, and XSAVEC (APM vol. 2, 11.5;
 * vol. 3; GHCB specification, 4.1.1). Each test holds where XSAVE is hidden, too, and XSAVEC's
 * where the machine below runs it as a no-op.
 */
#include "emulator/cpu/fpu.h"
#include "lib/freestanding/string.h"
#include "tests/emulator/runtime/control_registers.h"
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/rmp.h"
#include "tests/emulator/runtime/tap.h"
#include "tests/emulator/runtime/vmpl.h"

#define LEAF_XSAVE        0xDu
#define LEAF1_ECX_XSAVE   (1u << 26)
#define LEAF1_ECX_OSXSAVE (1u << 27)
#define LEAF1_ECX_AVX     (1u << 28)
#define LEAF7_ECX_PKU     (1u << 3)
#define XSAVEC_BIT        (1u << 1)
#define XCR0_PKRU         (1u << 9)
#define XCOMP_COMPACT     (1ull << 63)
#define CR4_OSFXSR        (1ull << 9)
#define CR4_OSXSAVE       (1ull << 18)
#define CR0_TS            (1ull << 3)
#define AVX_SIZE          0x100u
#define BASIC_SIZE        0x240u
#define PTE_WRITABLE      0x2ull
#define PTE_SEEN_WRITTEN  0x60ull /* accessed, dirty */
#define PTE_ADDRESS_LOW   0xFFFFF000ull
#define PF_PRESENT_WRITE  3u
#define PF_WRITE          2u

extern uint64_t page_root[], page_pdpt[];

static struct xsave_area area, other; /* aligned to 64 bytes */

static bool offered(void)
{
    return cpuid_find(1)->ecx & LEAF1_ECX_XSAVE;
}

/* What XCR0 may hold. VMPL1 cannot read the CPUID page. */
static uint64_t all_components(void)
{
    static uint64_t components;

    if (!components)
        components = XCR0_X87 | XCR0_SSE | (cpuid_find(1)->ecx & LEAF1_ECX_AVX ? XCR0_AVX : 0);
    return components;
}

static bool has_avx(void)
{
    return all_components() & XCR0_AVX;
}

static uint64_t cbit(void)
{
    return 1ull << (cpuid_find(CPUID_MEMORY_ENCRYPTION)->ebx & CPUID_ME_EBX_CBIT_MASK);
}

/* NULL: there is none. */
static const struct cpuid_entry *xsave_entry(uint32_t subleaf)
{
    const struct cpuid_page *page = cpuid_page();

    for (uint32_t i = 0; i < page->count; i++)
        if (page->entries[i].eax_in == LEAF_XSAVE && page->entries[i].ecx_in == subleaf)
            return &page->entries[i];
    return NULL;
}

TEST("CPUID shows XSAVE with its leaf, as an SNP processor, or neither, and never PKU")
{
    uint32_t size = has_avx() ? BASIC_SIZE + AVX_SIZE : BASIC_SIZE;

    CHECK_EQUAL(cpuid_find(0)->eax >= LEAF_XSAVE, offered());
    CHECK_EQUAL(cpuid_find(7)->ecx & LEAF7_ECX_PKU, 0);
    CHECK_EQUAL(cpuid_find(1)->ecx & LEAF1_ECX_OSXSAVE, 0);
    CHECK_EQUAL(xsave_entry(0) != NULL, offered());
    CHECK_EQUAL(xsave_entry(1) != NULL, offered());
    CHECK_EQUAL(xsave_entry(2) != NULL, has_avx());
    if (!offered())
        return;
    CHECK_EQUAL(xsave_entry(0)->eax, all_components());
    CHECK_EQUAL(xsave_entry(0)->ecx, size);
    CHECK(xsave_entry(1)->eax & XSAVEC_BIT);
    for (uint32_t subleaf = 0; subleaf <= 1; subleaf++) {
        CHECK_EQUAL(xsave_entry(subleaf)->xcr0_in, 1);
        CHECK_EQUAL(xsave_entry(subleaf)->xss_in, 0);
        CHECK_EQUAL(xsave_entry(subleaf)->ebx, BASIC_SIZE);
    }
    if (has_avx()) {
        CHECK_EQUAL(xsave_entry(2)->eax, AVX_SIZE);
        CHECK_EQUAL(xsave_entry(2)->ebx, BASIC_SIZE);
    }
}

static uint64_t size_for(uint64_t xcr0, uint32_t subleaf)
{
    ghcb_begin(SVM_EXIT_CPUID, 0, 0);
    GHCB_SET(rax, LEAF_XSAVE);
    GHCB_SET(rcx, subleaf);
    GHCB_SET(xcr0, xcr0);
    ghcb_exit();
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
    return ghcb->rbx;
}

TEST("By the GHCB the sizes are those for the XCR0 that the guest says it has")
{
    for (uint32_t subleaf = 0; subleaf <= 1; subleaf++) {
        CHECK_EQUAL(size_for(XCR0_X87, subleaf), offered() ? BASIC_SIZE : 0);
        CHECK_EQUAL(size_for(XCR0_X87 | XCR0_SSE, subleaf), offered() ? BASIC_SIZE : 0);
        if (has_avx())
            CHECK_EQUAL(size_for(all_components(), subleaf), BASIC_SIZE + AVX_SIZE);
    }
}

static uint64_t xgetbv(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low | (uint64_t)high << 32;
}

static void xsetbv(uint64_t value)
{
    ATTEMPT("xsetbv", : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(0));
}

static void enable(uint64_t components)
{
    write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXSAVE);
    xsetbv(components);
    CHECK_NO_TRAP();
}

TEST("XSETBV takes the components that CPUID shows, and no other")
{
    if (!offered())
        return;
    enable(all_components());
    CHECK_EQUAL(xgetbv(), all_components());
    xsetbv(all_components() | XCR0_PKRU);
    CHECK_TRAP(VECTOR_GP, 0);
    xsetbv(XCR0_SSE);
    CHECK_TRAP(VECTOR_GP, 0);
    CHECK_EQUAL(xgetbv(), all_components());
}

/* Each byte of the registers follows from the seed. */
static void fill_area(struct xsave_area *to, uint8_t seed)
{
    memset(to, 0, sizeof(*to));
    to->fcw = 0x37F;
    to->ftw = 0xFF;
    to->mxcsr = VMSA_MXCSR_RESET | 1u << 15;
    to->xstate_bv = all_components();
    for (unsigned i = 0; i < 16; i++) {
        memset(to->xmm[i], seed + (int)i, sizeof(to->xmm[i]));
        memset(to->ymm_high[i], seed + 0x40 + (int)i, sizeof(to->ymm_high[i]));
    }
    for (unsigned i = 0; i < 8; i++)
        memset(to->st[i], seed + 0x80 + (int)i, 10);
}

static void load_registers(const struct xsave_area *from)
{
    __asm__ volatile("xrstor64 %0" : : "m"(*from), "a"(~0u), "d"(~0u));
}

static void save_registers(struct xsave_area *to)
{
    memset(to, 0, sizeof(*to));
    __asm__ volatile("xsave64 %0" : "+m"(*to) : "a"(~0u), "d"(~0u));
}

static bool same_registers(const struct xsave_area *a, const struct xsave_area *b)
{
    return a->mxcsr == b->mxcsr && memcmp(a->st, b->st, sizeof(a->st)) == 0 &&
           memcmp(a->xmm, b->xmm, sizeof(a->xmm)) == 0 &&
           (!has_avx() || memcmp(a->ymm_high, b->ymm_high, sizeof(a->ymm_high)) == 0);
}

static struct xsave_area at_vmpl1;
static uint64_t xcr0_at_vmpl1;

/* Looks at its registers first, then changes each of them. */
static void use_registers_at_vmpl1(void)
{
    write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXSAVE);
    xcr0_at_vmpl1 = xgetbv();
    __asm__ volatile("xsetbv" : : "a"((uint32_t)all_components()), "d"(0), "c"(0));
    save_registers(&at_vmpl1);
    fill_area(&other, 0x11);
    load_registers(&other);
    __asm__ volatile("xsetbv" : : "a"(1), "d"(0), "c"(0));
}

static void look_at_vmpl1(void)
{
    xcr0_at_vmpl1 = xgetbv();
    __asm__ volatile("xsetbv" : : "a"((uint32_t)all_components()), "d"(0), "c"(0));
    save_registers(&at_vmpl1);
}

TEST("XCR0 and the x87, SSE and AVX registers of a VMPL are neither seen nor changed by another")
{
    static struct xsave_area mine, zeros, found;

    if (!offered())
        return;
    enable(all_components());
    fill_area(&mine, 0x29);
    load_registers(&mine);
    vmpl_call(1, use_registers_at_vmpl1);
    CHECK_EQUAL(xgetbv(), all_components());
    save_registers(&found);
    CHECK(same_registers(&found, &mine));
    CHECK_EQUAL(xcr0_at_vmpl1, 1);
    CHECK_EQUAL(memcmp(at_vmpl1.xmm, zeros.xmm, sizeof(zeros.xmm)), 0);
    CHECK_EQUAL(memcmp(at_vmpl1.ymm_high, zeros.ymm_high, sizeof(zeros.ymm_high)), 0);
    CHECK_EQUAL(memcmp(at_vmpl1.st, zeros.st, sizeof(zeros.st)), 0);
    CHECK_EQUAL(vmpl_vmsa(1)->xcr0, 1);
    CHECK_EQUAL(memcmp(vmpl_vmsa(1)->fpreg_xmm, other.xmm, sizeof(other.xmm)), 0);
    if (has_avx())
        CHECK_EQUAL(memcmp(vmpl_vmsa(1)->fpreg_ymm, other.ymm_high, sizeof(other.ymm_high)), 0);
}

TEST("They are what they were when the other VMPL runs again")
{
    static struct xsave_area mine, found;

    if (!offered())
        return;
    fill_area(&mine, 0x35);
    load_registers(&mine);
    vmpl_call(1, look_at_vmpl1);
    CHECK_EQUAL(xcr0_at_vmpl1, 1);
    CHECK(same_registers(&at_vmpl1, &other));
    save_registers(&found);
    CHECK(same_registers(&found, &mine));
}

static void xsavec(void *to, uint64_t components)
{
    ATTEMPT("xsavec64 (%0)", : : "r"(to), "a"((uint32_t)components), "d"(0) : "memory");
}

static void xrstor(const void *from, uint64_t components)
{
    ATTEMPT("xrstor64 (%0)", : : "r"(from), "a"((uint32_t)components), "d"(0) : "memory");
}

/* QEMU versions that know no XSAVEC, and do not say so. */
static bool xsavec_works(void)
{
    if (!offered())
        return false;
    enable(all_components());
    memset(&area, 0xEE, sizeof(area));
    xsavec(&area, XCR0_X87);
    if (last_trap.vector == NO_TRAP && area.fcw == 0xEEEE) {
        diagnose("XSAVEC is ignored by this machine");
        return false;
    }
    return true;
}

TEST("XSAVEC saves what is asked for, compacted, and XRSTOR restores it")
{
    static struct xsave_area mine, found;

    if (!xsavec_works())
        return;
    fill_area(&mine, 0x47);
    load_registers(&mine);
    memset(&area, 0xEE, sizeof(area));
    xsavec(&area, ~0ull);
    CHECK_NO_TRAP();
    CHECK_EQUAL(area.xcomp_bv, XCOMP_COMPACT | all_components());
    CHECK_EQUAL(area.xstate_bv, all_components());
    CHECK(same_registers(&area, &mine));
    CHECK_EQUAL(area.reserved_1a0[0], 0xEE);
    CHECK_EQUAL(area.reserved_210[0], 0xEE);

    fill_area(&other, 0x58);
    load_registers(&other);
    memset(area.reserved_210, 0, sizeof(area.reserved_210));
    xrstor(&area, ~0ull);
    CHECK_NO_TRAP();
    save_registers(&found);
    CHECK(same_registers(&found, &mine));
}

TEST("Components that are not asked for are neither saved nor restored")
{
    static struct xsave_area mine, found;

    if (!xsavec_works())
        return;
    fill_area(&mine, 0x61);
    load_registers(&mine);
    memset(&area, 0, sizeof(area));
    xsavec(&area, XCR0_SSE);
    CHECK_NO_TRAP();
    CHECK_EQUAL(area.xcomp_bv, XCOMP_COMPACT | XCR0_SSE);
    CHECK_EQUAL(memcmp(area.xmm, mine.xmm, sizeof(mine.xmm)), 0);
    CHECK_EQUAL(area.st[0][0], 0);
    CHECK_EQUAL(area.ymm_high[0][0], 0);
    fill_area(&other, 0x72);
    load_registers(&other);
    xrstor(&area, XCR0_SSE);
    CHECK_NO_TRAP();
    save_registers(&found);
    CHECK_EQUAL(memcmp(found.xmm, mine.xmm, sizeof(mine.xmm)), 0);
    CHECK_EQUAL(memcmp(found.st, other.st, sizeof(other.st)), 0);
    /* what is asked for and not there becomes initial */
    area.xstate_bv = 0;
    xrstor(&area, XCR0_SSE);
    CHECK_NO_TRAP();
    save_registers(&found);
    CHECK_EQUAL(found.xmm[3][3], 0);
    CHECK_EQUAL(found.mxcsr, VMSA_MXCSR_RESET);
    CHECK_EQUAL(memcmp(found.st, other.st, sizeof(other.st)), 0);
}

static bool saved_here(void)
{
    bool is = last_trap.vector == NO_TRAP && area.xcomp_bv == (XCOMP_COMPACT | XCR0_X87);

    memset(&area, 0, sizeof(area));
    return is;
}

#define XSAVEC_AT(operand, ...)                                                                    \
    do {                                                                                           \
        ATTEMPT("xsavec " operand, : : "a"(1), "d"(0), __VA_ARGS__ : "memory");                    \
        CHECK(saved_here());                                                                       \
    } while (0)

TEST("XSAVEC takes its operand in each form")
{
    uint64_t at = (uint64_t)&area;

    if (!xsavec_works())
        return;
    (void)saved_here();
    XSAVEC_AT("(%2)", "r"(at));
    XSAVEC_AT("0x40(%2)", "r"(at - 0x40));
    XSAVEC_AT("-0x4000(%2)", "r"(at + 0x4000));
    XSAVEC_AT("(%2,%3,8)", "r"(at - 0x100), "r"(0x20ull));
    XSAVEC_AT("-0x40(%2,%3,2)", "r"(at), "r"(0x20ull));
    XSAVEC_AT("0x1000(,%2,4)", "r"((at - 0x1000) / 4));
    XSAVEC_AT("area(%%rip)", "r"(0ull));
    XSAVEC_AT("area", "r"(0ull));
    XSAVEC_AT("(%k2)", "r"(at));
    {
        register uint64_t base __asm__("r12");
        register uint64_t index __asm__("r13");

        base = at - 0x80;
        index = 0x40;
        XSAVEC_AT("(%2,%3,2)", "r"(base), "r"(index));
        base = 0x40;
        index = at;
        XSAVEC_AT("(%3)", "r"(base), "r"(index));
    }
}

TEST("XSAVEC raises #GP at an address that is not a multiple of 64, #NM with CR0.TS, #UD without "
     "CR4.OSXSAVE")
{
    if (!xsavec_works())
        return;
    xsavec((uint8_t *)&area + 8, XCR0_X87);
    CHECK_TRAP(VECTOR_GP, 0);
    write_cr0(read_cr0() | CR0_TS);
    xsavec(&area, XCR0_X87);
    CHECK_EQUAL(last_trap.vector, 7);
    write_cr0(read_cr0() & ~CR0_TS);
    write_cr4(read_cr4() & ~CR4_OSXSAVE);
    xsavec(&area, XCR0_X87);
    CHECK_EQUAL(last_trap.vector, VECTOR_UD);
    write_cr4(read_cr4() | CR4_OSXSAVE);
}

TEST("XSAVEC at an address without a page raises #PF for a write, at a page not validated #VC 404")
{
    if (!xsavec_works())
        return;
    xsavec((void *)UNMAPPED, XCR0_X87);
    CHECK_TRAP(VECTOR_PF, PF_WRITE);
    CHECK_EQUAL(last_trap.cr2, UNMAPPED);
    xsavec((void *)(1ull << 47), XCR0_X87);
    CHECK_TRAP(VECTOR_GP, 0);
    xsavec(fresh_page(), XCR0_X87);
    CHECK_VC(SVM_EXIT_PAGE_NOT_VALIDATED);
}

/* The first gigabyte once more, without these flags. */
#define ALIAS_SLOT 9

static uint64_t *make_alias(uint64_t flags, uint64_t *cr3)
{
    uint64_t *root = valid_page(), *directory = valid_page();

    memcpy(root, page_root, PAGE_SIZE);
    root[0] = (root[0] & ~PTE_ADDRESS_LOW) | gpa_of(directory);
    memcpy(directory, page_pdpt, PAGE_SIZE);
    directory[ALIAS_SLOT] = page_pdpt[0] & ~flags;
    *cr3 = gpa_of(root) | (root[0] & cbit());
    return &directory[ALIAS_SLOT];
}

static void xsavec_by(uint64_t cr3)
{
    uint64_t before = read_cr3();

    write_cr3(cr3);
    xsavec((void *)(gpa_of(&area) + ((uint64_t)ALIAS_SLOT << 30)), XCR0_X87);
    write_cr3(before);
}

TEST("XSAVEC needs the right to write, and marks the page as written")
{
    uint64_t *entry, cr3;

    if (!xsavec_works())
        return;
    (void)make_alias(PTE_WRITABLE, &cr3);
    xsavec_by(cr3);
    CHECK_TRAP(VECTOR_PF, PF_PRESENT_WRITE);
    entry = make_alias(PTE_SEEN_WRITTEN, &cr3);
    xsavec_by(cr3);
    CHECK_NO_TRAP();
    CHECK_EQUAL(*entry & PTE_SEEN_WRITTEN, PTE_SEEN_WRITTEN);
}

TEST("XRSTOR raises #GP for a header of a compacted area that says what cannot be")
{
    if (!xsavec_works())
        return;
    memset(&area, 0, sizeof(area));
    area.mxcsr = VMSA_MXCSR_RESET;
    area.xcomp_bv = XCOMP_COMPACT | all_components();
    xrstor(&area, ~0ull);
    CHECK_NO_TRAP();
    area.xcomp_bv |= XCR0_PKRU;
    xrstor(&area, ~0ull);
    CHECK_TRAP(VECTOR_GP, 0);
    area.xcomp_bv = XCOMP_COMPACT | XCR0_X87;
    area.xstate_bv = XCR0_SSE;
    xrstor(&area, ~0ull);
    CHECK_TRAP(VECTOR_GP, 0);
    area.xstate_bv = 0;
    area.reserved_210[5] = 1;
    xrstor(&area, ~0ull);
    CHECK_TRAP(VECTOR_GP, 0);
    area.reserved_210[5] = 0;
    area.xcomp_bv = XCOMP_COMPACT | all_components();
    area.xstate_bv = XCR0_SSE;
    area.mxcsr = 1u << 31;
    xrstor(&area, ~0ull);
    CHECK_TRAP(VECTOR_GP, 0);
}
