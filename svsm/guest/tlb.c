/* SPDX-License-Identifier: MIT */
#include "svsm/guest/tlb.h"

#include <stddef.h>

#include "lib/snp/vmsa.h"
#include "svsm/arch/memory.h"
#include "svsm/arch/paging.h"

void guest_flush_tlb(const struct guest_ranges *guest)
{
    for (size_t i = 0; i < GUEST_VCPUS_MAX; i++) {
        if (guest->vcpus[i].in_use) {
            struct vmsa *vmsa = gpa_pointer(guest->vcpus[i].vmsa);

            vmsa->pcpu_id = 0;
        }
    }
    paging_flush();
}
