/* SPDX-License-Identifier: MIT */
/*
 * SVSM_CORE_CREATE_VCPU and SVSM_CORE_DELETE_VCPU (58019, sections 7.3 and 7.4).
 *
 * There is one vCPU, and it has its VMSA, which is the SVSM's own memory. A second VMSA for it
 * would be one that the host may run while the SVSM looks at the first: refused. With more
 * processors, a page may become a VMSA only in this order: no other record has the APIC ID; all
 * VMPLs lose their access to the page; no vCPU of the guest is runnable and none has the page in
 * its TLB; only then the contents are checked, and the page becomes a VMSA that lower VMPLs can at
 * most read.
 */
#include "svsm/requests/call.h"

uint64_t core_create_vcpu(const struct guest *guest, const struct svsm_call *call)
{
    gpa_t vmsa = gpa(call->rcx);
    gpa_t caa = gpa(call->rdx);

    if (vmsa.v == caa.v || !guest_pages_ok(&guest->ranges, vmsa, PAGE_SIZE) ||
        !guest_pages_ok(&guest->ranges, caa, PAGE_SIZE))
        return SVSM_ERR_INVALID_ADDRESS;
    return SVSM_ERR_INVALID_PARAMETER; /* APIC ID 0 is taken, and no other exists */
}

/* No VMSA was created, and the first vCPU's is not the guest's to delete. */
uint64_t core_delete_vcpu(void)
{
    return SVSM_ERR_INVALID_PARAMETER;
}
