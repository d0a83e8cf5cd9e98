/* SPDX-License-Identifier: MIT */
/*
 * SVSM_CORE_CREATE_VCPU and SVSM_CORE_DELETE_VCPU (58019, sections 7.3 and 7.4).
 *
 * A page of the guest becomes a VMSA in this order: the guest's lock keeps every other use of the
 * page out of the SVSM; all lower VMPLs lose their access to it; no processor has it in its TLB any
 * more; only then its contents are looked at, since nobody can change them now; and it becomes a
 * VMSA that the guest can at most read.
 *
 * One APIC ID may have several VMSAs: Linux makes a new one each time that it brings a processor
 * online, and deletes the former afterwards; the firmware's stay. The newest is the one whose calls
 * are served. The others are as unreachable for the guest as it is, until they are deleted.
 */
#include "lib/snp/vmsa.h"
#include "svsm/arch/memory.h"
#include "svsm/console/log.h"
#include "svsm/guest/tlb.h"
#include "svsm/guest/vmsa.h"
#include "svsm/requests/processors.h"
#include "svsm/sev/sev_status.h"

#define FAIL_IN_USE 3ull /* as RMPADJUST has it */

static struct guest_vcpu *free_record(struct guest_ranges *guest)
{
    for (size_t i = 0; i < GUEST_VCPUS_MAX; i++) {
        if (!guest->vcpus[i].in_use)
            return &guest->vcpus[i];
    }
    return NULL;
}

/* A new VMSA of a processor may have the calling area of a former one. */
static bool calling_area_ok(const struct guest_ranges *guest, gpa_t caa, uint32_t apic_id)
{
    for (size_t i = 0; i < GUEST_VCPUS_MAX; i++) {
        const struct guest_vcpu *vcpu = &guest->vcpus[i];

        if (vcpu->in_use && vcpu->apic_id == apic_id && vcpu->caa.v == caa.v)
            return true;
    }
    return guest_pages_ok(guest, caa, PAGE_SIZE);
}

static enum rmp_result set_permissions(const struct guest *guest, gpa_t page, uint8_t permissions,
                                       bool vmsa)
{
    enum rmp_result result = RMP_DONE;

    for (unsigned vmpl = VMPL_COUNT - 1; vmpl >= guest->vmpl && result == RMP_DONE; vmpl--)
        result = rmp_adjust(page, RMP_4K, vmpl, vmpl == guest->vmpl ? permissions : 0, vmsa);
    return result;
}

static void give_back(const struct guest *guest, gpa_t page)
{
    /* A page that is gone meanwhile needs no permissions. */
    if (set_permissions(guest, page, RMP_ALL, false) != RMP_DONE)
        return;
}

/* Contents that the SVSM has to insist on; all else affects the guest only. */
static bool contents_ok(const struct guest *guest, gpa_t page)
{
    struct vmsa found;

    return guarded_read(&found, page, sizeof(found)) == STATUS_OK && found.vmpl == guest->vmpl &&
           (found.efer & EFER_SVME) && found.sev_features == sev_status_guest_features();
}

static uint64_t make_vmsa(struct guest *guest, gpa_t page)
{
    enum rmp_result result = set_permissions(guest, page, 0, false);
    uint64_t error = svsm_rmp_result(result);

    guest_flush_tlb(&guest->ranges);
    if (result == RMP_DONE && !contents_ok(guest, page))
        error = SVSM_ERR_INVALID_PARAMETER;
    if (error == SVSM_SUCCESS)
        error = svsm_rmp_result(rmp_adjust(page, RMP_4K, guest->vmpl, RMP_READ, true));
    if (error != SVSM_SUCCESS)
        give_back(guest, page);
    return error;
}

static uint64_t no_processor(uint32_t apic_id, enum processor_result why)
{
    log_warning("no vCPU for APIC ID %x: %s", apic_id, processor_result_text(why));
    return SVSM_ERR_INVALID_PARAMETER;
}

static void record(struct guest_ranges *guest, struct guest_vcpu *vcpu, gpa_t vmsa, gpa_t caa,
                   uint32_t apic_id)
{
    struct guest_vcpu *former = guest_current_vcpu(guest, apic_id);

    if (former)
        former->current = false;
    *vcpu = (struct guest_vcpu){.vmsa = vmsa,
                                .caa = caa,
                                .launch_caa = caa,
                                .apic_id = apic_id,
                                .in_use = true,
                                .current = true};
}

/* Under the guest's lock, to write. */
static uint64_t create(struct guest *guest, const struct svsm_call *call)
{
    struct guest_ranges *ranges = &guest->ranges;
    gpa_t vmsa = gpa(call->rcx);
    gpa_t caa = gpa(call->rdx);
    uint32_t apic_id = (uint32_t)call->r8;
    struct guest_vcpu *vcpu = free_record(ranges);
    enum processor_result found;
    struct cpu *cpu;
    uint64_t result;

    if (vmsa.v == caa.v || !guest_pages_ok(ranges, vmsa, PAGE_SIZE) ||
        !calling_area_ok(ranges, caa, apic_id))
        return SVSM_ERR_INVALID_ADDRESS;
    if (apic_id == call->caller->apic_id || !vcpu)
        return SVSM_ERR_INVALID_PARAMETER;
    found = processor_find(guest, apic_id, &cpu);
    if (found != PROCESSOR_OK)
        return no_processor(apic_id, found);
    ranges->several = true;
    result = make_vmsa(guest, vmsa);
    if (result != SVSM_SUCCESS)
        return result;
    found = processor_start(guest, cpu, apic_id);
    if (found != PROCESSOR_OK) {
        give_back(guest, vmsa);
        return no_processor(apic_id, found);
    }
    record(ranges, vcpu, vmsa, caa, apic_id);
    return SVSM_SUCCESS;
}

uint64_t core_create_vcpu(struct guest *guest, const struct svsm_call *call)
{
    uint64_t result;

    lock_write(&guest->ranges.lock);
    result = create(guest, call);
    lock_write_release(&guest->ranges.lock);
    return result;
}

/* One that the guest made; the first vCPU's is the SVSM's own memory and not the guest's to delete.
 */
static struct guest_vcpu *find_made(struct guest_ranges *guest, gpa_t vmsa)
{
    for (size_t i = 0; i < GUEST_VCPUS_MAX; i++) {
        struct guest_vcpu *vcpu = &guest->vcpus[i];

        if (vcpu->in_use && vcpu->vmsa.v == vmsa.v &&
            memory_map_covers(&guest->memory, vmsa.v, PAGE_SIZE))
            return vcpu;
    }
    return NULL;
}

/* Under the guest's lock, to write. */
static uint64_t delete_made(struct guest *guest, gpa_t vmsa)
{
    struct guest_vcpu *vcpu = find_made(&guest->ranges, vmsa);
    enum rmp_result result;

    if (!vcpu)
        return SVSM_ERR_INVALID_PARAMETER;
    if (vcpu->served || !vmsa_disable(vmsa))
        return SVSM_ERR_PROTOCOL + FAIL_IN_USE;
    result = set_permissions(guest, vmsa, RMP_ALL, false);
    guest_flush_tlb(&guest->ranges);
    if (result == RMP_DONE)
        vcpu->in_use = false;
    else
        vmsa_enable(vmsa);
    return svsm_rmp_result(result);
}

uint64_t core_delete_vcpu(struct guest *guest, const struct svsm_call *call)
{
    uint64_t result;

    lock_write(&guest->ranges.lock);
    result = delete_made(guest, gpa(call->rcx));
    lock_write_release(&guest->ranges.lock);
    return result;
}
