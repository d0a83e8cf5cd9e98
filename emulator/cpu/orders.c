/* SPDX-License-Identifier: MIT */
#include "emulator/cpu/orders.h"

#include "emulator/platform/cpus.h"
#include "lib/snp/exit_codes.h"

#define HLT_LENGTH 1

static bool has_orders(const struct vcpu *cpu)
{
    return cpu->replaces != NO_VMPL || cpu->init || cpu->next != NO_VMPL;
}

static void receive_kick(struct vcpu *cpu)
{
    if (!host_wait_kick())
        cpu->nmi_pending = true;
}

/* Waits for one kick. What was ordered before is not missed: its kick is still to come. */
static void wait(struct vcpu *cpu)
{
    host_unlock();
    receive_kick(cpu);
    host_lock();
}

/* Without the lock, too. */
static bool is_replaced(const struct vcpu *cpu)
{
    return __atomic_load_n(&cpu->replaces, __ATOMIC_ACQUIRE) != NO_VMPL;
}

void order_vmsa(const struct vcpu *self, struct vcpu *target, unsigned vmpl, gpa_t vmsa)
{
    struct vmpl_context *context = &target->contexts[vmpl];

    if (target->current == context) {
        target->replacement = vmsa;
        target->replaces = vmpl;
        host_kick(target->index);
        host_unlock();
        while (is_replaced(target) && !is_replaced(self))
            __asm__ volatile("pause");
        host_lock();
        return;
    }
    vcpu_set_vmsa(target, vmpl, vmsa);
    if (vmsa.v == NO_GPA) {
        if (target->next == vmpl) /* it has not come to it yet */
            target->next = NO_VMPL;
        return;
    }
    if (!target->current || vmpl < target->current->vmpl) {
        target->next = vmpl;
        target->stopped = false;
        target->startup = true; /* an INIT before this stops it no more */
    } else {
        target->wake = true;
    }
    host_kick(target->index);
}

void order_init(struct vcpu *target)
{
    target->init = true;
    target->startup = false;
    host_kick(target->index);
}

void order_startup(struct vcpu *target)
{
    target->startup = true;
    target->stopped = false;
    host_kick(target->index);
}

void order_nmi(struct vcpu *target)
{
    target->nmi_pending = true;
    host_kick(target->index);
}

static void replace(struct vcpu *cpu)
{
    unsigned vmpl = cpu->replaces;

    if (cpu->current == &cpu->contexts[vmpl])
        vcpu_leave(cpu);
    vcpu_set_vmsa(cpu, vmpl, cpu->replacement);
    cpu->stopped = false;
    if (cpu->replacement.v != NO_GPA && !cpu->current)
        cpu->next = vmpl;
    __atomic_store_n(&cpu->replaces, NO_VMPL, __ATOMIC_RELEASE);
}

/* The most privileged VMPL that has a VMSA. */
static unsigned first_vmpl(const struct vcpu *cpu)
{
    for (unsigned vmpl = 0; vmpl < VMPL_COUNT; vmpl++)
        if (cpu->contexts[vmpl].vmsa.v != NO_GPA)
            return vmpl;
    return NO_VMPL;
}

/* False: nothing took the place of anything. */
static bool take_waiting(struct vcpu *cpu)
{
    unsigned running = cpu->current ? cpu->current->vmpl : NO_VMPL;
    bool taken = false;

    for (unsigned vmpl = 0; vmpl < VMPL_COUNT; vmpl++) {
        gpa_t waiting = cpu->contexts[vmpl].vmsa_on_init;

        if (waiting.v == NO_GPA)
            continue;
        if (vmpl == running)
            vcpu_leave(cpu);
        vcpu_set_vmsa(cpu, vmpl, waiting);
        taken = true;
    }
    if (taken)
        cpu->stopped = false;
    if (!cpu->current)
        cpu->next = running != NO_VMPL ? running : first_vmpl(cpu);
    return taken;
}

static void take_init(struct vcpu *cpu)
{
    cpu->init = false;
    if (!take_waiting(cpu) && cpu->index != 0 && cpu->current && !cpu->held)
        cpu->stopped = !cpu->startup; /* that came after it, if there was one */
}

static void enter_next(struct vcpu *cpu)
{
    unsigned vmpl = cpu->next;

    cpu->next = NO_VMPL;
    if (!vcpu_enter(cpu, vmpl))
        die(HOST_EXIT_GUEST_INVALID, "VMPL%u: its VMSA, gpa %lx, cannot run: %s", vmpl,
            cpu->contexts[vmpl].vmsa.v, vcpu_why_not(cpu, vmpl));
}

void orders_take(struct vcpu *cpu)
{
    for (;;) {
        if (cpu->init)
            take_init(cpu);
        if (cpu->replaces != NO_VMPL)
            replace(cpu);
        if (cpu->next != NO_VMPL)
            enter_next(cpu);
        if (cpu->current && !cpu->stopped)
            return;
        wait(cpu);
    }
}

bool vcpu_hold(struct vcpu *cpu)
{
    const struct vmpl_context *holder = cpu->current;

    if (!cpu->init) /* else it came after that one */
        cpu->startup = false;
    cpu->held = true;
    while (!cpu->startup && cpu->replaces == NO_VMPL && cpu->next == NO_VMPL &&
           cpu->current == holder) {
        wait(cpu);
        if (cpu->init)
            take_init(cpu);
    }
    cpu->held = false;
    return cpu->startup && cpu->current == holder;
}

/* Waits for one kick, or, if the VMPL takes them, for an interrupt, which stays pending. True: that
 * is what it was. */
static bool idle(struct vcpu *cpu, bool interrupts)
{
    bool interrupted = false;

    if (!interrupts) {
        wait(cpu);
        return false;
    }
    host_unlock();
    vcpu_run_idle(cpu);
    if (cpu->idle->exitcode == SVM_EXIT_NMI)
        receive_kick(cpu);
    else
        interrupted = true;
    host_lock();
    return interrupted;
}

bool vcpu_halt(struct vcpu *cpu)
{
    const struct vmpl_context *context = cpu->current;
    bool restricted = context->vmcb->int_control & V_INTR_MASKING;
    bool interrupts = !restricted && (context->save->rflags & RFLAGS_IF);
    bool ended = false;

    while (!ended && !cpu->wake && !(cpu->nmi_pending && !restricted)) {
        if (has_orders(cpu))
            return false; /* it halts again when it runs again */
        ended = idle(cpu, interrupts);
    }
    cpu->wake = false;
    context_skip(cpu->current, HLT_LENGTH);
    return true;
}
