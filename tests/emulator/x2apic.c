/* SPDX-License-Identifier: MIT */
/* The x2APIC, which KVM gives to every guest: its CPUID bit and its MSRs (APM vol. 2, 16.9
 * to 16.11). */
#include "tests/emulator/runtime/x2apic.h"
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/msr.h"
#include "tests/emulator/runtime/tap.h"

#define LEAF1_ECX_X2APIC (1u << 21)

TEST("CPUID leaf 1 shows the x2APIC, in the page and by the host")
{
    CHECK(cpuid_find(1)->ecx & LEAF1_ECX_X2APIC);
    CHECK(ghcb_msr_call(1ull << 32 | 2ull << 30 | GHCB_MSR_CPUID_REQ) >> 32 & LEAF1_ECX_X2APIC);
}

TEST("Its MSRs are refused while it is not turned on, with #GP those that raise no #VC")
{
    CHECK_EQUAL(host_read_msr(MSR_X2APIC_ID), ~0ull);
    try_wrmsr(MSR_X2APIC_EOI, 0);
    CHECK_TRAP(VECTOR_GP, 0);
    try_wrmsr(MSR_X2APIC_COUNT, 0);
    CHECK_TRAP(VECTOR_GP, 0);
    try_rdmsr(MSR_X2APIC_NOW);
    CHECK_TRAP(VECTOR_GP, 0);
}

TEST("The APIC base MSR turns it on")
{
    uint64_t base = host_read_msr(MSR_APIC_BASE);

    CHECK(host_write_msr(MSR_APIC_BASE, base | APIC_BASE_EXTENDED));
    CHECK_EQUAL(host_read_msr(MSR_APIC_BASE), base | APIC_BASE_EXTENDED);
    CHECK_EQUAL(host_read_msr(MSR_X2APIC_ID), 0);
    CHECK(host_read_msr(MSR_X2APIC_VERSION) != 0);
}

TEST("An interrupt that it sends to itself is delivered")
{
    CHECK(host_write_msr(MSR_X2APIC_SVR, SVR_ENABLED));
    CHECK(host_write_msr(MSR_X2APIC_ICR, ICR_SELF | VECTOR_IPI));
    CHECK_EQUAL(host_read_msr(MSR_X2APIC_IRR0), 1u << VECTOR_IPI);
    ATTEMPT("sti\n\tnop\n\tcli", : : : "memory");
    __asm__ volatile("cli");
    CHECK_EQUAL(last_trap.vector, VECTOR_IPI);
    CHECK(host_write_msr(MSR_X2APIC_EOI, 0));
}

TEST("The APIC base is read without #VC, and written with one")
{
    uint64_t base = host_read_msr(MSR_APIC_BASE);

    CHECK_EQUAL(try_rdmsr(MSR_APIC_BASE), base);
    CHECK_NO_TRAP();
    try_wrmsr(MSR_APIC_BASE, base);
    CHECK_VC(SVM_EXIT_MSR);
}

TEST("End of interrupt and the timer's count are its own registers, without #VC")
{
    try_wrmsr(MSR_X2APIC_EOI, 0);
    CHECK_NO_TRAP();
    try_wrmsr(MSR_X2APIC_COUNT, 0x70000000);
    CHECK_NO_TRAP();
    CHECK_EQUAL(host_read_msr(MSR_X2APIC_COUNT), 0x70000000);
    CHECK(try_rdmsr(MSR_X2APIC_NOW) != 0);
    CHECK_NO_TRAP();
    try_wrmsr(MSR_X2APIC_COUNT, 0);
    CHECK_EQUAL(host_read_msr(MSR_X2APIC_NOW), 0);
}

TEST("Its command register raises #VC")
{
    try_wrmsr(MSR_X2APIC_ICR, ICR_INIT | ICR_SELF);
    CHECK_VC(SVM_EXIT_MSR);
    try_rdmsr(MSR_X2APIC_ICR);
    CHECK_VC(SVM_EXIT_MSR);
}

TEST("INIT of itself does not reset the machine")
{
    CHECK(host_write_msr(MSR_X2APIC_ICR, ICR_INIT | ICR_SELF));
    CHECK(host_write_msr(MSR_X2APIC_ICR, ICR_INIT));
    CHECK_EQUAL(host_read_msr(MSR_X2APIC_ID), 0);
}
