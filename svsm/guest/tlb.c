/* SPDX-License-Identifier: MIT */
#include "svsm/guest/tlb.h"

#include <stddef.h>

#include "lib/snp/vmsa.h"
#include "svsm/arch/memory.h"
#include "svsm/arch/paging.h"
#include "svsm/base/panic.h"

void guest_flush_tlb(const struct guest_ranges *guest)
{
    static const uint64_t nowhere;

    for (size_t i = 0; i < GUEST_VCPUS_MAX; i++) {
        const struct guest_vcpu *vcpu = &guest->vcpus[i];

        /* A VMSA that is gone runs no more. */
        if (vcpu->in_use && guarded_write(gpa_add(vcpu->vmsa, offsetof(struct vmsa, pcpu_id)),
                                          &nowhere, sizeof(nowhere)) != STATUS_OK)
            continue;
    }
    paging_flush();
    if (guest->several && !paging_flush_everywhere())
        panic("attack: the host does not let translations be dropped any more (INVLPGB)");
}
