/* SPDX-License-Identifier: MIT */
/* The guest's save areas: the first vCPU's start state, and EFER.SVME, which is their lock. */
#ifndef SNPVTPM_SVSM_GUEST_VMSA_H
#define SNPVTPM_SVSM_GUEST_VMSA_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/snp/vmsa.h"
#include "svsm/base/address.h"

/* Architectural reset state, at reset_vector (below 4 GiB), at vmpl. */
void vmsa_reset(struct vmsa *vmsa, uint64_t reset_vector, uint8_t vmpl, uint64_t sev_features);

/*
 * Makes the vCPU impossible to run while the SVSM works on its state; false when it is disabled
 * already or EFER changes meanwhile, which means that it runs, or when its page is gone: those that
 * the guest made are the guest's memory.
 */
bool vmsa_disable(gpa_t vmsa);

/* Lets it run again. */
void vmsa_enable(gpa_t vmsa);

#endif
