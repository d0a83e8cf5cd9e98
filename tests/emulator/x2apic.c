/* SPDX-License-Identifier: MIT */
/* The x2APIC, which KVM gives to every guest: its CPUID bit and its MSRs (APM vol. 2, 16.9
 * to 16.11). */
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/tap.h"

#define LEAF1_ECX_X2APIC   (1u << 21)
#define MSR_APIC_BASE      0x1B
#define APIC_BASE_EXTENDED (1ull << 10)
#define MSR_X2APIC_ID      0x802
#define MSR_X2APIC_VERSION 0x803
#define MSR_X2APIC_EOI     0x80B
#define MSR_X2APIC_SVR     0x80F
#define MSR_X2APIC_IRR0    0x820
#define MSR_X2APIC_ICR     0x830
#define ICR_SELF           (1u << 18)
#define ICR_INIT           (5u << 8 | 1u << 14)
#define SVR_ENABLED        0x1FF
#define VECTOR_IPI         24

static uint64_t host_read(uint32_t msr)
{
    ghcb_begin(SVM_EXIT_MSR, 0, 0);
    GHCB_SET(rcx, msr);
    ghcb_exit();
    return ghcb->sw_exitinfo1 == GHCB_RESULT_OK ? (uint32_t)ghcb->rax | ghcb->rdx << 32 : ~0ull;
}

static bool host_write(uint32_t msr, uint64_t value)
{
    ghcb_begin(SVM_EXIT_MSR, 1, 0);
    GHCB_SET(rcx, msr);
    GHCB_SET(rax, (uint32_t)value);
    GHCB_SET(rdx, value >> 32);
    ghcb_exit();
    return ghcb->sw_exitinfo1 == GHCB_RESULT_OK;
}

TEST("CPUID leaf 1 shows the x2APIC, in the page and by the host")
{
    CHECK(cpuid_find(1)->ecx & LEAF1_ECX_X2APIC);
    CHECK(ghcb_msr_call(1ull << 32 | 2ull << 30 | GHCB_MSR_CPUID_REQ) >> 32 & LEAF1_ECX_X2APIC);
}

TEST("Its MSRs are refused while it is not turned on")
{
    CHECK_EQUAL(host_read(MSR_X2APIC_ID), ~0ull);
}

TEST("The APIC base MSR turns it on")
{
    uint64_t base = host_read(MSR_APIC_BASE);

    CHECK(host_write(MSR_APIC_BASE, base | APIC_BASE_EXTENDED));
    CHECK_EQUAL(host_read(MSR_APIC_BASE), base | APIC_BASE_EXTENDED);
    CHECK_EQUAL(host_read(MSR_X2APIC_ID), 0);
    CHECK(host_read(MSR_X2APIC_VERSION) != 0);
}

TEST("An interrupt that it sends to itself is delivered")
{
    CHECK(host_write(MSR_X2APIC_SVR, SVR_ENABLED));
    CHECK(host_write(MSR_X2APIC_ICR, ICR_SELF | VECTOR_IPI));
    CHECK_EQUAL(host_read(MSR_X2APIC_IRR0), 1u << VECTOR_IPI);
    ATTEMPT("sti\n\tnop\n\tcli", : : : "memory");
    __asm__ volatile("cli");
    CHECK_EQUAL(last_trap.vector, VECTOR_IPI);
    CHECK(host_write(MSR_X2APIC_EOI, 0));
}

TEST("INIT of itself does not reset the machine")
{
    CHECK(host_write(MSR_X2APIC_ICR, ICR_INIT | ICR_SELF));
    CHECK(host_write(MSR_X2APIC_ICR, ICR_INIT));
    CHECK_EQUAL(host_read(MSR_X2APIC_ID), 0);
}
