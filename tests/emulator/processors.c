/* SPDX-License-Identifier: MIT */
/*
 * Several processors: AP_CREATION (GHCB specification, 4.1.9), AP reset hold, INIT and STARTUP,
 * interrupts between them, HLT, and VMSAs that two of them want.
 */
#include "emulator/platform/host.h"
#include "tests/emulator/runtime/cpus.h"
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/rmp.h"
#include "tests/emulator/runtime/tap.h"
#include "tests/emulator/runtime/vmpl.h"
#include "tests/emulator/runtime/x2apic.h"

#define ROUNDS    400
#define OTHERS    2 /* processors 1 and 2, of three */
#define LEAF1_EBX 1

static struct vmsa *vmsas[1 + OTHERS];
static volatile uint64_t found[1 + OTHERS];
static volatile uint64_t beats[1 + OTHERS]; /* of a processor; [0]: of VMPL1 of any */
static volatile bool woken, go_on;
static volatile bool ready[1 + OTHERS];
static struct vmsa *next_vmsas[1 + OTHERS];

TEST("The host lists the APIC ID of each processor")
{
    const uint32_t *ids = cpu_ids();

    CHECK_EQUAL(ids[0], 1 + OTHERS);
    for (uint32_t i = 0; i <= OTHERS; i++)
        CHECK_EQUAL(ids[1 + i], i);
}

TEST("AP_CREATION refuses a processor that is not there")
{
    CHECK_EQUAL(cpu_request(AP_CREATE, 0, 1 + OTHERS, vmpl_new_vmsa(0)), GHCB_RESULT_MALFORMED);
}

static void beat(unsigned cpu)
{
    for (;;)
        beats[cpu]++;
}

static void await_beat(unsigned cpu)
{
    uint64_t before = beats[cpu];

    while (beats[cpu] == before)
        pause();
}

TEST("CREATE_ON_INIT does not start a processor, INIT does")
{
    CHECK_EQUAL(cpu_request(AP_CREATE_ON_INIT, 0, 2, cpu_new_vmsa(2, beat)), GHCB_RESULT_OK);
    x2apic_enable();
    for (unsigned i = 0; i < ROUNDS; i++)
        ghcb_request(GHCB_EXIT_HV_FEATURES, 0, 0);
    CHECK_EQUAL(beats[2], 0);
    x2apic_send(ICR_INIT, 2);
    await_beat(2);
}

TEST("CREATE replaces what a processor runs: the old VMSA then is its state and can be taken away")
{
    struct vmsa *old = cpu_new_vmsa(1, beat);

    CHECK_EQUAL(cpu_request(AP_CREATE, 0, 1, old), GHCB_RESULT_OK);
    await_beat(1);
    CHECK_EQUAL(ghcb_msr_psc(gpa_of(old), PSC_SHARED) >> 63, 1);
    for (unsigned cpu = 1; cpu <= OTHERS; cpu++)
        vmsas[cpu] = cpu_start(cpu);
    CHECK(old->guest_exitcode != 0);
    CHECK_EQUAL(old->rdi, 1);
    vmpl_mark_vmsa(old, false);
    CHECK_EQUAL(ghcb_msr_psc(gpa_of(old), PSC_SHARED), GHCB_MSR_PSC_RESP);
    cpu_begin(1, NULL);
}

static uint32_t own_apic_id(void)
{
    return (uint32_t)(ghcb_msr_call(1ull << 32 | (uint64_t)LEAF1_EBX << 30 | GHCB_MSR_CPUID_REQ) >>
                      56);
}

static void find_identity(void)
{
    x2apic_enable();
    found[this_cpu] = (uint64_t)own_apic_id() << 32 | (uint32_t)host_read_msr(MSR_X2APIC_ID);
}

static void each(void (*function)(void))
{
    for (unsigned cpu = 1; cpu <= OTHERS; cpu++)
        cpu_begin(cpu, function);
    for (unsigned cpu = 1; cpu <= OTHERS; cpu++)
        cpu_finish(cpu);
}

TEST("Each processor has a local APIC and a CPUID of its own")
{
    each(find_identity);
    for (uint64_t cpu = 1; cpu <= OTHERS; cpu++)
        CHECK_EQUAL(found[cpu], cpu << 32 | cpu);
}

static void keep_msr(void)
{
    found[this_cpu] = 0;
    msr_write(MSR_GHCB, 0x1000 * this_cpu);
    while (!go_on)
        pause();
    found[this_cpu] = msr_read(MSR_GHCB);
}

TEST("Each processor has a GHCB MSR of its own")
{
    uint64_t mine = msr_read(MSR_GHCB);

    go_on = true;
    each(keep_msr);
    for (uint64_t cpu = 1; cpu <= OTHERS; cpu++)
        CHECK_EQUAL(found[cpu], 0x1000 * cpu);
    CHECK_EQUAL(msr_read(MSR_GHCB), mine);
}

/* Takes IPIs until told to stop, and says how many there were, and how many NMIs. */
static void take_ipis(void)
{
    unsigned ipis = ipi_count, nmis = nmi_count;

    ready[this_cpu] = true;
    __asm__ volatile("sti");
    while (!go_on)
        pause();
    __asm__ volatile("cli");
    found[this_cpu] = (uint64_t)(nmi_count - nmis) << 32 | (ipi_count - ipis);
    host_write_msr(MSR_X2APIC_EOI, 0);
}

static void begin_to_take_ipis(void)
{
    go_on = false;
    for (unsigned cpu = 1; cpu <= OTHERS; cpu++) {
        ready[cpu] = false;
        cpu_begin(cpu, take_ipis);
    }
    for (unsigned cpu = 1; cpu <= OTHERS; cpu++)
        while (!ready[cpu])
            pause();
}

/* An IPI that was sent before this one is there when this one is. */
static void end_of_ipis(void)
{
    go_on = true;
    for (unsigned cpu = 1; cpu <= OTHERS; cpu++)
        cpu_finish(cpu);
}

/* Until the processor has had all that was sent to it: the host's answers come in order. */
static void settle(void)
{
    for (unsigned i = 0; i < 200; i++)
        ghcb_request(GHCB_EXIT_HV_FEATURES, 0, 0);
}

static void send_one(uint32_t command, uint32_t destination)
{
    begin_to_take_ipis();
    x2apic_send(command, destination);
    settle();
    end_of_ipis();
}

TEST("An IPI reaches the processor that it is sent to, and no other")
{
    send_one(VECTOR_IPI, 1);
    CHECK_EQUAL(found[1], 1);
    CHECK_EQUAL(found[2], 0);
    send_one(VECTOR_IPI, 2);
    CHECK_EQUAL(found[1], 0);
    CHECK_EQUAL(found[2], 1);
}

TEST("An IPI with a logical destination reaches the processors that it names")
{
    send_one(ICR_LOGICAL | VECTOR_IPI, 1u << 1 | 1u << 2);
    CHECK_EQUAL(found[1], 1);
    CHECK_EQUAL(found[2], 1);
}

TEST("An NMI reaches the processor that it is sent to, and no other")
{
    send_one(ICR_NMI, 2);
    CHECK_EQUAL(found[1], 0);
    CHECK_EQUAL(found[2], 1ull << 32);
    send_one(ICR_NMI | ICR_LOGICAL, 1u << 1);
    CHECK_EQUAL(found[1], 1ull << 32);
    CHECK_EQUAL(found[2], 0);
}

TEST("An NMI to all others reaches each of them, and not the one that sends it")
{
    unsigned before = nmi_count;

    send_one(ICR_NMI | ICR_OTHERS, 0);
    CHECK_EQUAL(found[1], 1ull << 32);
    CHECK_EQUAL(found[2], 1ull << 32);
    CHECK_EQUAL(nmi_count, before);
}

/* Halts until there was another IPI, again and again. */
static void halt_for_ipis(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned before = ipi_count;

        found[this_cpu] = i; /* from here on one may come, before the HLT, too */
        while (ipi_count == before)
            __asm__ volatile("sti\n\thlt\n\tcli" ::: "memory");
        host_write_msr(MSR_X2APIC_EOI, 0);
    }
    found[this_cpu] = ROUNDS;
}

TEST("No IPI is lost by a processor that halts")
{
    for (unsigned cpu = 1; cpu <= OTHERS; cpu++) {
        found[cpu] = ~0ull;
        cpu_begin(cpu, halt_for_ipis);
    }
    for (unsigned i = 0; i < ROUNDS; i++)
        for (unsigned cpu = 1; cpu <= OTHERS; cpu++) {
            while (found[cpu] != i)
                pause();
            x2apic_send(VECTOR_IPI, cpu);
        }
    for (unsigned cpu = 1; cpu <= OTHERS; cpu++)
        cpu_finish(cpu);
}

/* HLT with interrupts off. */
static void halt(void)
{
    unsigned nmis = nmi_count;

    woken = false;
    ready[this_cpu] = true;
    __asm__ volatile("hlt" ::: "memory");
    woken = true;
    found[this_cpu] = nmi_count - nmis;
}

static void begin_to_halt(unsigned cpu)
{
    ready[cpu] = false;
    cpu_begin(cpu, halt);
    while (!ready[cpu])
        pause();
}

TEST("HLT with interrupts off is not ended by an IPI, nor by what others do, but by an NMI")
{
    void *page = valid_page();

    begin_to_halt(1);
    settle();
    x2apic_send(VECTOR_IPI, 1);
    x2apic_send(ICR_STARTUP, 1);
    CHECK_PVALIDATE(pvalidate(page, SIZE_4K, false), RMP_SUCCESS, false);
    settle();
    CHECK(!woken);
    x2apic_send(ICR_NMI, 1);
    cpu_finish(1);
    CHECK_EQUAL(found[1], 1);
    go_on = true;
    cpu_begin(1, take_ipis); /* the IPI was not lost */
    cpu_finish(1);
    CHECK_EQUAL(found[1], 1);
}

static void beat_until_told(void)
{
    while (!go_on)
        beats[this_cpu]++;
}

TEST("INIT without a VMSA that waits for it stops a processor, STARTUP lets it go on")
{
    uint64_t before;

    go_on = false;
    cpu_begin(1, beat_until_told);
    await_beat(1);
    x2apic_send(ICR_INIT, 1);
    do {
        before = beats[1];
        settle();
    } while (beats[1] != before);
    x2apic_send(ICR_STARTUP, 1);
    await_beat(1);
    go_on = true;
    cpu_finish(1);
}

TEST("STARTUP right after INIT is not lost")
{
    go_on = false;
    cpu_begin(1, beat_until_told);
    for (unsigned i = 0; i < ROUNDS; i++) {
        x2apic_send(ICR_INIT, 1);
        x2apic_send(ICR_STARTUP, 1);
        await_beat(1);
    }
    go_on = true;
    cpu_finish(1);
}

static void hold(void)
{
    ghcb_request(GHCB_EXIT_AP_RESET_HOLD, 0, 0);
    found[this_cpu] = ghcb->sw_exitinfo2;
}

static void hold_by_msr(void)
{
    found[this_cpu] = ghcb_msr_call(GHCB_MSR_AP_RESET_HOLD_REQ);
}

static void end_hold_of(unsigned cpu, void (*by)(void))
{
    found[cpu] = 0;
    cpu_begin(cpu, by);
    while (!found[cpu]) /* one that comes before the hold has no effect */
        x2apic_send(ICR_STARTUP, cpu);
    cpu_finish(cpu);
}

TEST("STARTUP ends an AP reset hold, which says so")
{
    end_hold_of(1, hold);
    CHECK(found[1] != 0);
    end_hold_of(1, hold_by_msr);
    CHECK_EQUAL(found[1] & GHCB_MSR_INFO_MASK, GHCB_MSR_AP_RESET_HOLD_RESP);
    CHECK(found[1] >> 12);
}

static void note(void)
{
    found[this_cpu] = 1;
}

TEST("A processor in AP reset hold takes a new VMSA, as often as it is given one")
{
    for (unsigned i = 0; i < 20; i++) {
        found[1] = 0;
        cpu_begin(1, hold);
        settle();
        cpu_begin(1, NULL);
        vmsas[1] = cpu_start(1);
        cpu_begin(1, note);
        cpu_finish(1);
        CHECK_EQUAL(found[1], 1);
    }
}

TEST("DESTROY stops a processor: when it returns, the VMSA's page can be taken away")
{
    go_on = false;
    cpu_begin(1, beat_until_told);
    await_beat(1);
    CHECK_EQUAL(cpu_request(AP_DESTROY, 0, 1, vmsas[1]), GHCB_RESULT_OK);
    vmpl_mark_vmsa(vmsas[1], false);
    CHECK_EQUAL(ghcb_msr_psc(gpa_of(vmsas[1]), PSC_SHARED), GHCB_MSR_PSC_RESP);
    cpu_begin(1, NULL);
    vmsas[1] = cpu_start(1);
    cpu_begin(1, note);
    cpu_finish(1);
}

TEST("A processor that is started and stopped at once can be started again")
{
    for (unsigned i = 0; i < 50; i++) {
        CHECK_EQUAL(cpu_request(AP_DESTROY, 0, 2, vmsas[2]), GHCB_RESULT_OK);
        CHECK_EQUAL(cpu_request(AP_CREATE, 0, 2, vmsas[2]), GHCB_RESULT_OK);
    }
    vmsas[2] = cpu_start(2);
    cpu_begin(2, note);
    cpu_finish(2);
}

static void replace_each_other(void)
{
    unsigned other = 3 - this_cpu;

    cpu_begin(this_cpu, NULL); /* the VMSA that replaces this one does not do it, too */
    cpu_request(AP_CREATE, 0, other, next_vmsas[other]);
}

TEST("Two processors that replace each other's VMSA at a time do not wait for ever")
{
    for (unsigned i = 0; i < 20; i++) {
        for (unsigned cpu = 1; cpu <= OTHERS; cpu++)
            next_vmsas[cpu] = cpu_new_vmsa(cpu, cpu_main);
        for (unsigned cpu = 1; cpu <= OTHERS; cpu++)
            cpu_begin(cpu, replace_each_other);
        settle();
        for (unsigned cpu = 1; cpu <= OTHERS; cpu++) {
            cpu_begin(cpu, NULL);
            vmsas[cpu] = cpu_start(cpu);
        }
        each(note);
    }
}

static void beat_for_ever(void)
{
    for (;;)
        beats[0]++;
}

static void enter_vmpl1(void)
{
    run_vmpl(1);
}

TEST("A VMPL0 that halts is woken when its processor gets a VMSA for another VMPL")
{
    struct vmsa *vmsa = vmpl_new_vmsa(1);

    vmpl_mark_vmsa(vmsa, true);
    begin_to_halt(2);
    CHECK_EQUAL(cpu_request(AP_CREATE, 1, 2, vmsa), GHCB_RESULT_OK);
    cpu_finish(2);
    CHECK_EQUAL(found[2], 0);
}

TEST("RUN_VMPL of a VMSA that another processor runs is refused")
{
    struct vmsa *vmsa = vmpl_vmsa(1); /* this processor's, too */

    vmsa->rip = (uint64_t)beat_for_ever;
    CHECK_EQUAL(cpu_request(AP_CREATE, 1, 1, vmsa), GHCB_RESULT_OK);
    cpu_begin(1, enter_vmpl1);
    await_beat(0);
    CHECK_EQUAL(run_vmpl(1), 1ull << 32 | GHCB_MSR_RUN_VMPL_RESP);
}

TEST("A less privileged VMPL gives way when its processor gets a VMSA for VMPL0")
{
    cpu_begin(1, NULL);
    vmsas[1] = cpu_start(1);
    cpu_begin(1, note);
    cpu_finish(1);
    CHECK_EQUAL(run_vmpl(0), GHCB_MSR_RUN_VMPL_RESP);
}

static _Noreturn void wait_for_end(void)
{
    for (;;)
        pause();
}

ENDING("A VMSA that a processor runs from does not run on another", HOST_EXIT_GUEST_INVALID,
       "cannot run: it is in use")
{
    cpu_request(AP_CREATE, 0, 2, cpu_start(1));
    wait_for_end();
}

ENDING("A page that is no VMSA does not run on another processor", HOST_EXIT_GUEST_INVALID,
       "cannot run: it is no VMSA page")
{
    cpu_request(AP_CREATE, 0, 1, vmpl_new_vmsa(0));
    wait_for_end();
}

ENDING("A VMSA that is another VMPL's does not run on another processor", HOST_EXIT_GUEST_INVALID,
       "cannot run: it is another VMPL's")
{
    struct vmsa *vmsa = cpu_new_vmsa(1, beat);

    vmsa->vmpl = 1;
    cpu_request(AP_CREATE, 0, 1, vmsa);
    wait_for_end();
}

ENDING("A processor stops at once when its page is no VMSA any more", HOST_EXIT_GUEST_INVALID,
       "CPU1 VMPL0: its state cannot run")
{
    struct vmsa *vmsa = cpu_new_vmsa(1, beat);

    cpu_request(AP_CREATE, 0, 1, vmsa);
    await_beat(1);
    vmpl_mark_vmsa(vmsa, false);
    for (;;)
        await_beat(1);
}

static void fault_three_times(void)
{
    traps_forget();
    __asm__ volatile("ud2");
}

ENDING("A triple fault of any processor ends the machine", HOST_EXIT_GUEST_SHUTDOWN,
       "CPU2 VMPL0: shutdown")
{
    cpu_start(2);
    cpu_begin(2, fault_three_times);
    wait_for_end();
}

static void terminate(void)
{
    ghcb_terminate(15, 7);
}

ENDING("A termination request of any processor ends the machine", HOST_EXIT_GUEST_TERMINATED,
       "CPU1 VMPL0 asked to terminate: reason set 15, code 7")
{
    cpu_start(1);
    cpu_begin(1, terminate);
    wait_for_end();
}
