/* SPDX-License-Identifier: MIT */
#include "svsm/requests/processors.h"

#include <stddef.h>

#include "svsm/arch/memory.h"
#include "svsm/arch/paging.h"
#include "svsm/base/panic.h"
#include "svsm/mm/page_allocator.h"
#include "svsm/sev/ghcb_calls.h"
#include "svsm/sev/rmp.h"
#include "svsm/sev/sev_status.h"

#define OWN_VMPL   0
#define VMPL_BELOW 1 /* RMPADJUST names one, to change the VMSA bit */

const char *processor_result_text(enum processor_result result)
{
    switch (result) {
    case PROCESSOR_OK:
        return "none";
    case PROCESSOR_TOO_MANY:
        return "there are too many";
    case PROCESSOR_NO_FLUSH:
        return "the host does not let the VM drop translations (INVLPGB)";
    case PROCESSOR_NO_MEMORY:
        return "out of memory";
    case PROCESSOR_REFUSED:
        return "the host refuses it";
    }
    return "an unknown reason";
}

static void set_vmsa(struct vmsa *vmsa, bool is)
{
    enum rmp_result result = rmp_adjust(direct_gpa(vmsa), RMP_4K, VMPL_BELOW, 0, is);

    if (result != RMP_DONE)
        panic(is ? "cannot make a VMSA of the SVSM's own memory: %s"
                 : "attack: the host runs a vCPU that it refused: %s",
              rmp_result_text(result));
}

/* What the first one has found out, and a GHCB, which stays if the host refuses the vCPU. */
static enum status prepare(struct guest *guest, struct cpu *cpu, uint32_t apic_id)
{
    const struct cpu *first = &guest->cpus[0];

    cpu->index = (unsigned)(cpu - guest->cpus);
    cpu->apic_id = apic_id;
    cpu->cpuid = first->cpuid;
    cpu->clock = first->clock;
    cpu_local_of(cpu->index)->cpu = cpu;
    return cpu->link.page.size != 0 ? STATUS_OK : shared_memory_allocate(1, &cpu->link.page);
}

enum processor_result processor_find(struct guest *guest, uint32_t apic_id, struct cpu **cpu)
{
    unsigned i = 0;

    if (!paging_flush_everywhere())
        return PROCESSOR_NO_FLUSH;
    while (i < CPUS_MAX && guest->cpus[i].started && guest->cpus[i].apic_id != apic_id)
        i++;
    if (i == CPUS_MAX)
        return PROCESSOR_TOO_MANY;
    *cpu = &guest->cpus[i];
    return PROCESSOR_OK;
}

enum processor_result processor_start(struct guest *guest, struct cpu *cpu, uint32_t apic_id)
{
    struct vmsa *vmsa;

    if (cpu->started)
        return PROCESSOR_OK;
    if (prepare(guest, cpu, apic_id) != STATUS_OK || !(vmsa = page_allocate_for_vmsa()))
        return PROCESSOR_NO_MEMORY;
    cpu_start_state(vmsa, cpu->index, guest->enter, cpu);
    set_vmsa(vmsa, true);
    cpu->started = ghcb_ap_creation(ghcb_own(), AP_CREATE, direct_gpa(vmsa), OWN_VMPL, apic_id,
                                    sev_status_own_features()) == STATUS_OK;
    if (cpu->started)
        return PROCESSOR_OK;
    set_vmsa(vmsa, false);
    page_free(vmsa);
    return PROCESSOR_REFUSED;
}
