/* SPDX-License-Identifier: MIT */
/*
 * Four processors that leave the guest for different reasons at the same time: none of them sees
 * what happens to another. Pages change hands, so that processors are kicked and wait for each
 * other, while one reads memory-mapped I/O and takes interrupts, and one halts.
 */
#include "tests/emulator/runtime/cpus.h"
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/rmp.h"
#include "tests/emulator/runtime/tap.h"
#include "tests/emulator/runtime/x2apic.h"

#define ROUNDS         250
#define NO_MEMORY_HERE 0xD0000000ull

static volatile bool over;
static volatile uint64_t wrong;
static uint8_t *range; /* 2 MiB, each 4 KiB of it a page of its own */

static void expect(bool as_it_should)
{
    if (!as_it_should)
        __atomic_add_fetch(&wrong, 1, __ATOMIC_SEQ_CST);
}

/* Each of these is an exit of its own kind, with an exception that has to come to this processor,
 * at this instruction. */
static void leave_by_exceptions(void)
{
    uint32_t leaf = 0;

    try_read(shared_view((void *)NO_MEMORY_HERE));
    expect(last_trap.vector == VECTOR_VC && last_trap.error == SVM_EXIT_NPF &&
           last_trap.at_attempt);
    ATTEMPT("cpuid", : "+a"(leaf) : "c"(0) : "rbx", "rdx");
    expect(last_trap.vector == VECTOR_VC && last_trap.error == SVM_EXIT_CPUID &&
           last_trap.at_attempt);
}

/* A page of this processor's own goes to the host and comes back. */
static void change_hands(unsigned round)
{
    uint64_t *page = nth_page(range, 8 * (round % 32) + this_cpu);

    expect(ghcb_msr_psc(gpa_of(page), PSC_PRIVATE) == GHCB_MSR_PSC_RESP);
    expect(pvalidate(page, SIZE_4K, true).code == RMP_SUCCESS);
    *page = round;
    expect(*page == round);
    expect(pvalidate(page, SIZE_4K, false).code == RMP_SUCCESS);
    try_read(page);
    expect(last_trap.vector == VECTOR_VC && last_trap.error == SVM_EXIT_PAGE_NOT_VALIDATED);
    expect(ghcb_msr_psc(gpa_of(page), PSC_SHARED) == GHCB_MSR_PSC_RESP);
}

static void change_until_over(void)
{
    for (unsigned round = 0; !over; round++) {
        change_hands(round);
        leave_by_exceptions();
    }
}

/* Interrupts and NMIs come meanwhile. */
static void halt_until_over(void)
{
    while (!over) {
        __asm__ volatile("sti\n\thlt\n\tcli" ::: "memory");
        host_write_msr(MSR_X2APIC_EOI, 0);
        leave_by_exceptions();
    }
}

TEST("What one processor leaves the guest for never reaches another")
{
    range = private_view(host_large_page());
    x2apic_enable();
    for (unsigned cpu = 1; cpu <= 3; cpu++) {
        cpu_start(cpu);
        cpu_begin(cpu, x2apic_enable);
        cpu_finish(cpu);
    }
    cpu_begin(1, change_until_over);
    cpu_begin(2, change_until_over);
    cpu_begin(3, halt_until_over);
    for (unsigned i = 0; i < ROUNDS; i++) {
        leave_by_exceptions();
        x2apic_send(VECTOR_IPI, 3);
        x2apic_send(ICR_NMI, 1 + i % 3);
        change_hands(i);
    }
    over = true;
    x2apic_send(ICR_NMI, 3);
    for (unsigned cpu = 1; cpu <= 3; cpu++)
        cpu_finish(cpu);
    CHECK_EQUAL(wrong, 0);
}
