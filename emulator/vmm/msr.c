/* SPDX-License-Identifier: MIT */
#include "emulator/vmm/msr.h"

#include "emulator/platform/host.h"
#include "emulator/vmm/kvm_clock.h"

struct msr_range {
    uint32_t first, last;
};

/* QEMU answers an MSR it does not know with zero, and the CPU's own are the hypervisor's: so what a
 * guest may reach is listed. */
static const struct msr_range of_the_guest[] = {
    {0x0000001B, 0x0000001B}, /* APIC_BASE */
    {0x0000008B, 0x0000008B}, /* PATCH_LEVEL */
    {0x000000FE, 0x000000FE}, /* MTRRcap */
    {0x00000179, 0x0000017B}, /* MCG_CAP, MCG_STATUS, MCG_CTL */
    {0x00000200, 0x0000026F}, /* MTRRs */
    {0x000002FF, 0x000002FF}, /* MTRRdefType */
    {0x00000400, 0x0000047F}, /* machine check banks */
    {0x00000800, 0x000008FF}, /* x2APIC */
    {0xC0010000, 0xC0010007}, /* performance counters */
    {0xC0010010, 0xC0010010}, /* SYSCFG */
    {0xC0010015, 0xC0010015}, /* HWCR */
    {0xC001001F, 0xC001001F}, /* NB_CFG1 */
    {0xC0011020, 0xC001102F}, /* LS_CFG, DE_CFG and their like */
};

/* HWCR.TscFreqSel: the TSC counts with the P0 frequency. Linux complains when it is clear. */
#define MSR_HWCR          0xC0010015u
#define HWCR_TSC_FREQ_SEL (1ull << 24)

static bool is_of_the_guest(uint32_t msr)
{
    for (size_t i = 0; i < sizeof(of_the_guest) / sizeof(of_the_guest[0]); i++)
        if (msr >= of_the_guest[i].first && msr <= of_the_guest[i].last)
            return true;
    return false;
}

bool guest_rdmsr(uint32_t msr, uint64_t *value)
{
    if (!is_of_the_guest(msr) || !host_rdmsr(msr, value))
        return false;
    if (msr == MSR_HWCR)
        *value |= HWCR_TSC_FREQ_SEL;
    return true;
}

bool guest_wrmsr(uint32_t msr, uint64_t value)
{
    return kvm_clock_wrmsr(msr, value) || (is_of_the_guest(msr) && host_wrmsr(msr, value));
}
