/* SPDX-License-Identifier: MIT */
#ifndef SNPVTPM_SVSM_GUEST_TLB_H
#define SNPVTPM_SVSM_GUEST_TLB_H

#include "svsm/guest/ranges.h"

/*
 * Drops cached translations and permissions: this vCPU's now, each guest vCPU's before it runs
 * again (PCPU_ID of a VMSA set to 0, APM vol. 2 15.36.9). To be called after permissions were
 * lowered.
 */
void guest_flush_tlb(const struct guest_ranges *guest);

#endif
