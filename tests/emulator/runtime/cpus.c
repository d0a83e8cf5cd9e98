/* SPDX-License-Identifier: MIT */
#include "tests/emulator/runtime/cpus.h"

#include "lib/freestanding/string.h"
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/tap.h"
#include "tests/emulator/runtime/vmpl.h"

#define STACK_SIZE 0x2000

unsigned PER_CPU this_cpu;

extern uint8_t per_cpu_start[], per_cpu_end[];

static uint8_t stacks[CPUS_MAX][STACK_SIZE] __attribute__((aligned(16)));
static uint8_t *copies[CPUS_MAX]; /* of the PER_CPU variables */
static struct ghcb *ghcbs[CPUS_MAX];
static void (*volatile work[CPUS_MAX])(void);

const uint32_t *cpu_ids(void)
{
    uint32_t *ids = host_page();

    ghcb_begin(GHCB_EXIT_APIC_ID_LIST, gpa_of(ids), 0);
    GHCB_SET(rax, 1);
    ghcb_exit();
    return ids;
}

uint64_t cpu_request(unsigned kind, unsigned vmpl, unsigned cpu, const struct vmsa *vmsa)
{
    ghcb_begin(GHCB_EXIT_AP_CREATION, ap_request((enum ap_creation)kind, vmpl, cpu), gpa_of(vmsa));
    GHCB_SET(rax, SEV_FEATURE_SNP_ACTIVE);
    ghcb_exit();
    return ghcb->sw_exitinfo1;
}

static void make_copy(unsigned cpu)
{
    if ((uint64_t)(per_cpu_end - per_cpu_start) > PAGE_SIZE)
        bail_out("the PER_CPU variables do not fit a page");
    copies[cpu] = valid_page();
    ghcbs[cpu] = host_page();
}

struct vmsa *cpu_new_vmsa(unsigned cpu, void (*entry)(unsigned cpu))
{
    struct vmsa *vmsa = vmpl_new_vmsa(0);

    if (!copies[cpu])
        make_copy(cpu);
    vmsa->rip = (uint64_t)entry;
    vmsa->rsp = (uint64_t)stacks[cpu] + STACK_SIZE - 8;
    vmsa->gs.base = (uint64_t)copies[cpu] - (uint64_t)per_cpu_start;
    vmsa->rdi = cpu;
    vmpl_mark_vmsa(vmsa, true);
    return vmsa;
}

void cpu_main(unsigned cpu)
{
    this_cpu = cpu;
    ghcb_use(ghcbs[cpu], true);
    for (;;) {
        void (*function)(void) = work[cpu];

        if (function) {
            function();
            work[cpu] = NULL;
        }
        pause();
    }
}

struct vmsa *cpu_start(unsigned cpu)
{
    struct vmsa *vmsa = cpu_new_vmsa(cpu, cpu_main);

    if (cpu_request(AP_CREATE, 0, cpu, vmsa) != GHCB_RESULT_OK)
        bail_out("the host refuses the VMSA of processor %u", cpu);
    return vmsa;
}

void cpu_begin(unsigned cpu, void (*function)(void))
{
    work[cpu] = function;
}

void cpu_finish(unsigned cpu)
{
    while (work[cpu])
        pause();
}
