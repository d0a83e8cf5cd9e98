/* SPDX-License-Identifier: MIT */
#include "emulator/vmm/processors.h"

#include "emulator/cpu/orders.h"
#include "emulator/platform/cpus.h"

static struct vcpu processors[HOST_CPUS_MAX];

void processors_init(void)
{
    for (unsigned i = 0; i < host_cpu_count(); i++)
        vcpu_init(&processors[i], i);
}

struct vcpu *processor_find(uint64_t apic_id)
{
    return apic_id < host_cpu_count() ? &processors[apic_id] : NULL;
}

bool processors_carry_out(const struct apic_command *command)
{
    for (unsigned i = 0; i < host_cpu_count(); i++) {
        if (!(command->targets >> i & 1))
            continue;
        if (command->kind == APIC_INIT)
            order_init(&processors[i]);
        else if (command->kind == APIC_STARTUP)
            order_startup(&processors[i]);
        else if (command->kind == APIC_NMI)
            order_nmi(&processors[i]);
    }
    return command->kind != APIC_DEVICE;
}

/* With CREATE_ON_INIT a VMPL that has a VMSA keeps it until INIT; one that has none has it at once,
 * but does not run. */
static void set_on_init(struct vcpu *target, unsigned vmpl, gpa_t vmsa)
{
    if (target->contexts[vmpl].vmsa.v != NO_GPA)
        target->contexts[vmpl].vmsa_on_init = vmsa;
    else
        vcpu_set_vmsa(target, vmpl, vmsa);
}

/* What KVM checks; the rest is VMRUN's (cpu/vcpu.c). */
static bool acceptable(gpa_t vmsa, uint64_t sev_features)
{
    hpa_t backing;

    return vcpu_features_supported(sev_features) && (vmsa.v & ~LARGE_PAGE_MASK) &&
           !(vmsa.v & ~PAGE_MASK) && guest_memory_find(vmsa, &backing);
}

bool processors_create(struct vcpu *self, uint64_t info1, uint64_t info2, uint64_t sev_features)
{
    unsigned kind = info1 & 0xFFFF, vmpl = info1 >> 16 & 0xF;
    struct vcpu *target = processor_find(info1 >> 32);
    gpa_t vmsa = gpa(info2);

    /* Not of a more privileged VMPL; and on the own CPU the one that runs keeps its own. */
    if (kind > AP_DESTROY || vmpl >= VMPL_COUNT || !target || vmpl < self->current->vmpl ||
        (target == self && vmpl == self->current->vmpl) ||
        (kind != AP_DESTROY && !acceptable(vmsa, sev_features)))
        return false;
    if (kind == AP_CREATE_ON_INIT)
        set_on_init(target, vmpl, vmsa);
    else if (target == self)
        vcpu_set_vmsa(self, vmpl, kind == AP_DESTROY ? gpa(NO_GPA) : vmsa);
    else
        order_vmsa(self, target, vmpl, kind == AP_DESTROY ? gpa(NO_GPA) : vmsa);
    return true;
}
