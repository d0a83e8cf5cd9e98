/* SPDX-License-Identifier: MIT */
#ifndef SNPVTPM_SVSM_GUEST_TLB_H
#define SNPVTPM_SVSM_GUEST_TLB_H

#include "svsm/guest/ranges.h"

/*
 * Drops cached translations and permissions, after permissions were lowered: this vCPU's now, each
 * guest vCPU's before it runs again (PCPU_ID of a VMSA set to 0, APM vol. 2 15.36.9), and where
 * there are several, those of all processors now, for a vCPU that runs at this moment does not stop
 * for us. Under the guest's lock.
 */
void guest_flush_tlb(const struct guest_ranges *guest);

#endif
