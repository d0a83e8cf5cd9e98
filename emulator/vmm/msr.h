/* SPDX-License-Identifier: MIT */
/*
 * MSRs that a guest asks the VMM for through the GHCB: those of the machine that concern the guest,
 * the paravirtual clock's, and no others. False: the guest gets #GP.
 */
#ifndef SNPVTPM_EMULATOR_VMM_MSR_H
#define SNPVTPM_EMULATOR_VMM_MSR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/must_check.h"

MUST_CHECK bool guest_rdmsr(uint32_t msr, uint64_t *value);
MUST_CHECK bool guest_wrmsr(uint32_t msr, uint64_t value);

#endif
