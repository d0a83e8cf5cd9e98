/* SPDX-License-Identifier: MIT */
#include "emulator/platform/cpus.h"

#include "emulator/platform/fw_cfg.h"
#include "emulator/platform/memory.h"

#define LOCAL_APIC     0xFEE00000u
#define APIC_ICR       0x300u
#define APIC_ICR_HIGH  0x310u
#define MSR_X2APIC_ICR 0x830u
#define ICR_NMI        0x4400u /* level assert, as in the next two */
#define ICR_INIT       0x4500u
#define ICR_STARTUP    0x4600u

#define STACK_SIZE 0x8000 /* as in entry.S */

struct cpu {
    uint32_t passes; /* into the guest and out of it: odd inside */
    bool kicked;     /* an NMI is on its way */
};

static struct cpu cpus[HOST_CPUS_MAX];
static unsigned count = 1;
static bool locked;

static void (*ap_main)(void);
static unsigned started;

/* entry.S */
extern uint8_t host_stacks[], ap_page[], ap_trampoline[], ap_trampoline_end[], ap_root[];
extern uint64_t ap_stack_top;
_Noreturn void host_ap_entered(void);

unsigned host_cpu_count(void)
{
    return count;
}

unsigned host_cpu_index(void)
{
    uint64_t rsp;

    __asm__ volatile("mov %%rsp, %0" : "=r"(rsp));
    return (unsigned)((rsp - (uint64_t)host_stacks) / STACK_SIZE);
}

static void pause(void)
{
    __asm__ volatile("pause");
}

void host_lock(void)
{
    while (__atomic_exchange_n(&locked, true, __ATOMIC_ACQUIRE))
        while (__atomic_load_n(&locked, __ATOMIC_RELAXED))
            pause();
}

void host_unlock(void)
{
    __atomic_store_n(&locked, false, __ATOMIC_RELEASE);
}

void host_enter_guest(void)
{
    host_unlock();
    __atomic_add_fetch(&cpus[host_cpu_index()].passes, 1, __ATOMIC_SEQ_CST);
}

void host_leave_guest(void)
{
    __atomic_add_fetch(&cpus[host_cpu_index()].passes, 1, __ATOMIC_SEQ_CST);
    host_lock();
}

/* By the local APIC as the guest has set it up; what the guest prepared for its own next command
 * stays. */
static void send(unsigned cpu, uint32_t command)
{
    volatile uint32_t *low = memory_mmio(LOCAL_APIC + APIC_ICR);
    volatile uint32_t *high = memory_mmio(LOCAL_APIC + APIC_ICR_HIGH);
    uint32_t prepared;

    if (host_wrmsr(MSR_X2APIC_ICR, (uint64_t)cpu << 32 | command))
        return;
    prepared = *high;
    *high = cpu << 24;
    *low = command;
    *high = prepared;
}

void host_kick(unsigned cpu)
{
    if (!__atomic_exchange_n(&cpus[cpu].kicked, true, __ATOMIC_SEQ_CST))
        send(cpu, ICR_NMI);
}

bool host_wait_kick(void)
{
    host_wait_nmi();
    return __atomic_exchange_n(&cpus[host_cpu_index()].kicked, false, __ATOMIC_SEQ_CST);
}

void host_shootdown(void)
{
    uint32_t inside[HOST_CPUS_MAX];

    host_memory_barrier();
    for (unsigned i = 0; i < count; i++) {
        inside[i] = __atomic_load_n(&cpus[i].passes, __ATOMIC_SEQ_CST);
        if (inside[i] & 1)
            host_kick(i);
    }
    for (unsigned i = 0; i < count; i++)
        while ((inside[i] & 1) && __atomic_load_n(&cpus[i].passes, __ATOMIC_SEQ_CST) == inside[i])
            pause();
}

/* Where entry.S leads an AP. */
void host_ap_entered(void)
{
    host_exceptions_init();
    host_hold_nmis();
    __atomic_store_n(&started, host_cpu_index(), __ATOMIC_SEQ_CST);
    while (!host_wait_kick())
        ;
    host_lock();
    ap_main();
    die(HOST_EXIT_INTERNAL, "CPU %u came back from the hypervisor", host_cpu_index());
}

static void start(unsigned cpu)
{
    ap_stack_top = (uint64_t)host_stacks + (uint64_t)(cpu + 1) * STACK_SIZE;
    host_memory_barrier();
    send(cpu, ICR_INIT);
    send(cpu, ICR_STARTUP | (uint32_t)((uint64_t)ap_page / PAGE_SIZE));
    while (__atomic_load_n(&started, __ATOMIC_SEQ_CST) != cpu)
        pause();
}

void host_cpus_start(void (*main)(void))
{
    uint8_t *page = host_ptr(hpa((uint64_t)ap_page));
    uint32_t root = (uint32_t)memory_root(true).pa;
    unsigned machine = fw_cfg_cpus();

    if (machine > HOST_CPUS_MAX)
        die(HOST_EXIT_LAUNCH_FAILED, "%u processors are too many: %u at most", machine,
            HOST_CPUS_MAX);
    host_hold_nmis();
    host_lock();
    ap_main = main;
    memcpy(page, ap_trampoline, (size_t)(ap_trampoline_end - ap_trampoline));
    memcpy(page + (ap_root - ap_trampoline), &root, sizeof(root));
    for (unsigned cpu = 1; cpu < machine; cpu++)
        start(cpu);
    count = machine;
    memory_root(false);
    memset(page, 0, PAGE_SIZE);
}
