/* SPDX-License-Identifier: MIT */
/*
 * Writes of CR0 and EFER, which the hypervisor carries out because both tell of the guest's mode.
 * False: the CPU raises #GP(0), and the register keeps its value.
 */
#ifndef SNPVTPM_EMULATOR_CPU_CONTROL_H
#define SNPVTPM_EMULATOR_CPU_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/must_check.h"
#include "lib/snp/vmsa.h"

/* APM vol. 2, 3.1.1 and 14.6; of LMSW, too. */
MUST_CHECK bool control_write_cr0(struct vmsa *save, uint64_t value);

/* APM vol. 2, 3.1.7. SVME stays set: the VMSA of an SNP guest must have it. */
MUST_CHECK bool control_write_efer(struct vmsa *save, uint64_t value);

#endif
