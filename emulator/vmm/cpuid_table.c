/* SPDX-License-Identifier: MIT */
#include "emulator/vmm/cpuid_table.h"

#include "emulator/cpu/fpu.h"
#include "emulator/cpu/npt.h"
#include "emulator/cpu/xsave.h"
#include "emulator/vmm/kvm_clock.h"

#define LEAF1_ECX_HYPERVISOR (1u << 31)
#define LEAF1_ECX_XSAVE      (1u << 26)
#define LEAF1_ECX_OSXSAVE    (1u << 27)                       /* by CR4: for the guest to fill in */
#define LEAF1_ECX_AVX        (1u << 12 | 1u << 28 | 1u << 29) /* FMA, AVX, F16C */
#define LEAF7_EBX_AVX        (1u << 5)                        /* AVX2 */
#define LEAF7_ECX_AVX        (1u << 9 | 1u << 10)             /* VAES, VPCLMULQDQ */
#define LEAF7_ECX_HIDDEN     (1u << 3 | 1u << 4 | 1u << 16)   /* PKU, OSPKE, LA57 */
#define EXT1_ECX_AVX         (1u << 11 | 1u << 16)            /* XOP, FMA4 */
#define EXT1_ECX_SVM         (1u << 2)

#define PHYSICAL_ADDRESS_REDUCTION 1u
/* True of every SNP host; without it Linux takes the time from a device, at thousands of exits. */
#define INVARIANT_TSC (1u << 8)

/* Without XSAVE the highest basic leaf lies below it: Linux ends where it is within the range and
 * shows no XSAVEC. */
static uint32_t max_basic_leaf(void)
{
    return xsave_offered() ? LEAF_XSAVE : 0xB;
}

static uint32_t hidden(uint32_t always, uint32_t of_avx)
{
    return always | (xsave_has_avx() ? 0 : of_avx);
}

struct cpuid_result guest_cpuid(uint32_t leaf, uint32_t subleaf, uint64_t xcr0)
{
    struct cpuid_result r = host_cpuid(leaf, subleaf);

    if (leaf > max_basic_leaf() && leaf < KVM_CPUID_SIGNATURE)
        return (struct cpuid_result){0};

    switch (leaf) {
    case KVM_CPUID_SIGNATURE:
    case KVM_CPUID_FEATURES:
        return kvm_clock_cpuid(leaf);
    case 0:
        if (r.eax > max_basic_leaf())
            r.eax = max_basic_leaf();
        break;
    case 1:
        r.ecx = (r.ecx | LEAF1_ECX_HYPERVISOR) &
                ~hidden(LEAF1_ECX_OSXSAVE | (xsave_offered() ? 0 : LEAF1_ECX_XSAVE), LEAF1_ECX_AVX);
        break;
    case 7:
        r.ebx &= ~hidden(0, LEAF7_EBX_AVX);
        r.ecx &= ~hidden(LEAF7_ECX_HIDDEN, LEAF7_ECX_AVX);
        break;
    case LEAF_XSAVE:
        r = xsave_cpuid(subleaf, xcr0);
        break;
    case 0x80000000:
        if (r.eax < CPUID_MEMORY_ENCRYPTION)
            r.eax = CPUID_MEMORY_ENCRYPTION;
        break;
    case 0x80000001:
        r.ecx &= ~hidden(EXT1_ECX_SVM, EXT1_ECX_AVX);
        break;
    case 0x80000007:
        r.edx |= INVARIANT_TSC;
        break;
    case 0x8000000A:
        r = (struct cpuid_result){0};
        break;
    case CPUID_MEMORY_ENCRYPTION:
        r.eax = CPUID_ME_EAX_SEV | CPUID_ME_EAX_SEV_ES | CPUID_ME_EAX_SEV_SNP | CPUID_ME_EAX_VMPL |
                1u << 6; /* RMPQUERY */
        r.ebx = CBIT_POSITION | PHYSICAL_ADDRESS_REDUCTION << 6 | (uint32_t)VMPL_COUNT << 12 |
                1u << 31; /* software need not flush caches on a page state change */
        r.ecx = 1;
        r.edx = 1;
        break;
    default:
        break;
    }
    return r;
}

/* Sizes in leaf 0xD are those for XCR0 as it is after reset, which the entry says, as with QEMU. */
static void add(struct cpuid_page *page, uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_result r = guest_cpuid(leaf, subleaf, XCR0_X87);
    struct cpuid_entry *entry;

    if (page->count == CPUID_PAGE_ENTRIES_MAX)
        die(HOST_EXIT_INTERNAL, "the CPUID page is full");
    entry = &page->entries[page->count++];
    *entry = (struct cpuid_entry){.eax_in = leaf,
                                  .ecx_in = subleaf,
                                  .xcr0_in = leaf == LEAF_XSAVE && subleaf <= 1 ? XCR0_X87 : 0,
                                  .eax = r.eax,
                                  .ebx = r.ebx,
                                  .ecx = r.ecx,
                                  .edx = r.edx};
}

void cpuid_table_fill(struct cpuid_page *page)
{
    static const uint8_t subleaves_4 = 4, subleaves_b = 2, subleaves_1d = 4;

    memset(page, 0, sizeof(*page));
    add(page, CPUID_MEMORY_ENCRYPTION, 0);
    for (uint32_t leaf = 0; leaf <= 2; leaf++)
        add(page, leaf, 0);
    for (uint32_t i = 0; i < subleaves_4; i++)
        add(page, 4, i);
    add(page, 5, 0);
    add(page, 6, 0);
    add(page, 7, 0);
    add(page, 7, 1);
    for (uint32_t i = 0; i < subleaves_b; i++)
        add(page, 0xB, i);
    for (uint32_t i = 0; xsave_offered() && i < (xsave_has_avx() ? 3 : 2); i++)
        add(page, LEAF_XSAVE, i);
    for (uint32_t leaf = 0x80000000; leaf <= 0x80000008; leaf++)
        add(page, leaf, 0);
    add(page, 0x8000000A, 0);
    add(page, 0x80000019, 0);
    add(page, 0x8000001A, 0);
    for (uint32_t i = 0; i < subleaves_1d; i++)
        add(page, 0x8000001D, i);
    add(page, 0x8000001E, 0);
    add(page, KVM_CPUID_SIGNATURE, 0);
    add(page, KVM_CPUID_FEATURES, 0);
}
