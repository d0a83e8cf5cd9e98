/* SPDX-License-Identifier: MIT */
/*
 * The PCR banks that the launch image asks for (engine->banks). Which banks a TPM has is part of
 * its state, and only changes with the next _TPM_Init: so they are compared after each
 * TPM2_Startup, and where they differ the TPM starts once more.
 */
#ifndef SNPVTPM_SERVICES_TPM_BANKS_H
#define SNPVTPM_SERVICES_TPM_BANKS_H

#include "services/tpm/engine_type.h"

enum banks_outcome {
    BANKS_AS_WANTED,
    BANKS_ALLOCATED, /* as wanted from the next start on */
    BANKS_FAILED,    /* logged */
};

/* Whether an image may ask for these: known ones (BOOT_PCR_BANK_*), or 0 for those that the TPM
 * has. */
MUST_CHECK bool banks_are_valid(uint32_t banks);

/*
 * Compares the TPM's banks with engine->banks, and has it allocate those (TPM2_PCR_Allocate,
 * library specification, part 3, 22.5) where they differ. The TPM must have been started.
 */
MUST_CHECK enum banks_outcome banks_apply(struct engine *engine);

#endif
