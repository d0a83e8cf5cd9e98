/* SPDX-License-Identifier: MIT */
/* SVSM_CORE_CREATE_VCPU and SVSM_CORE_DELETE_VCPU (58019, sections 7.3 and 7.4). */
#include "svsm/guest/tlb.h"
#include "svsm/guest/vmsa.h"
#include "svsm/requests/call.h"
#include "svsm/sev/rmp.h"

#define APIC_ID_KNOWN 0 /* one vCPU */
#define VMSA_IN_USE   3 /* protocol-specific result of DELETE_VCPU */

/* Everything but the registers that only the guest itself depends on. */
static bool vmsa_acceptable(const struct guest *guest, const struct vmsa *vmsa,
                            const struct vmsa *callers)
{
    return vmsa->vmpl == guest->vmpl && (vmsa->efer & EFER_SVME) &&
           vmsa->sev_features == callers->sev_features;
}

/* Makes the page the guest's ordinary memory again. */
static uint32_t return_page(const struct guest *guest, gpa_t page)
{
    uint32_t code = rmp_revoke(page, RMP_4K, guest->vmpl);

    if (code == RMP_SUCCESS)
        code = rmp_adjust(page, RMP_4K, guest->vmpl, RMP_ALL, false);
    return code;
}

/* With the guest's access gone, checks the contents and turns the page into a VMSA. */
static uint64_t seal_vmsa(struct guest *guest, const struct svsm_call *call, gpa_t page)
{
    const struct vmsa *callers = gpa_pointer(call->caller->vmsa);
    uint32_t code = rmp_revoke(page, RMP_4K, guest->vmpl);

    if (code == RMP_FAULTED)
        return SVSM_ERR_INVALID_ADDRESS;
    if (code != RMP_SUCCESS)
        return svsm_rmp_error(code);
    guest_flush_tlb(&guest->ranges);
    if (!vmsa_acceptable(guest, gpa_pointer(page), callers))
        return SVSM_ERR_INVALID_PARAMETER;
    code = rmp_adjust(page, RMP_4K, guest->vmpl, RMP_READ, true);
    return code == RMP_SUCCESS ? SVSM_SUCCESS : svsm_rmp_error(code);
}

uint64_t core_create_vcpu(struct guest *guest, const struct svsm_call *call)
{
    gpa_t vmsa = gpa(call->rcx);
    gpa_t caa = gpa(call->rdx);
    uint32_t apic_id = (uint32_t)call->r8;
    struct guest_vcpu *vcpu = guest_vcpu_unused(&guest->ranges);
    uint64_t result;

    if (vmsa.v == caa.v || !guest_pages_ok(&guest->ranges, vmsa, PAGE_SIZE) ||
        !guest_pages_ok(&guest->ranges, caa, PAGE_SIZE))
        return SVSM_ERR_INVALID_ADDRESS;
    if (apic_id != APIC_ID_KNOWN || vcpu == NULL)
        return SVSM_ERR_INVALID_PARAMETER;
    result = seal_vmsa(guest, call, vmsa);
    if (result != SVSM_SUCCESS) {
        /* A page that is not even validated stays as it is. */
        (void)return_page(guest, vmsa);
        return result;
    }
    *vcpu = (struct guest_vcpu){
        .vmsa = vmsa,
        .caa = caa,
        .apic_id = apic_id,
        .in_use = true,
        .vmsa_is_guest_memory = true,
    };
    return SVSM_SUCCESS;
}

uint64_t core_delete_vcpu(struct guest *guest, gpa_t vmsa)
{
    struct guest_vcpu *vcpu = guest_vcpu_by_vmsa(&guest->ranges, vmsa);
    uint32_t code;

    /* The first vCPU's VMSA is the SVSM's memory, which the guest never gets. */
    if (vcpu == NULL || !vcpu->vmsa_is_guest_memory)
        return SVSM_ERR_INVALID_PARAMETER;
    if (!vmsa_disable(gpa_pointer(vmsa)))
        return svsm_rmp_error(VMSA_IN_USE);
    code = return_page(guest, vmsa);
    guest_flush_tlb(&guest->ranges);
    if (code != RMP_SUCCESS)
        return svsm_rmp_error(code);
    vcpu->in_use = false;
    return SVSM_SUCCESS;
}
