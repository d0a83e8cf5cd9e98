/* SPDX-License-Identifier: MIT */
/* Everything that the guest's firmware expects before its first instruction at its VMPL. */
#ifndef SNPVTPM_SVSM_GUEST_PREPARE_H
#define SNPVTPM_SVSM_GUEST_PREPARE_H

#include "lib/boot/boot_params.h"
#include "svsm/guest/ranges.h"
#include "svsm/params/host_params.h"
#include "svsm/sev/cpuid.h"
#include "svsm/sev/ghcb.h"

/*
 * Validates and fills the firmware's sections, grants the firmware image, and makes the first
 * vCPU's VMSA, which is recorded in guest->vcpus[0]. Panics when the host does not let it.
 * guest->memory must be set.
 */
void guest_prepare(struct guest_ranges *guest, struct ghcb_link *link, const struct cpuid *cpuid,
                   const struct boot_params *params, const struct host_params *host);

#endif
