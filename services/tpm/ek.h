/* SPDX-License-Identifier: MIT */
/*
 * The RSA-2048 endorsement key by which this TPM is identified: template L-1 of the TCG EK
 * Credential Profile 2.x, appendix B.
 */
#ifndef SNPVTPM_SERVICES_TPM_EK_H
#define SNPVTPM_SERVICES_TPM_EK_H

#include "services/tpm/engine.h"

/*
 * Sees to it that engine->ek_public holds the EK's TPMT_PUBLIC, which takes a TPM2_CreatePrimary
 * the first time, and returns TPM_RC_SUCCESS or the TPM's code. The TPM must have been started up,
 * have a free transient slot and an endorsement hierarchy whose authorization is empty.
 */
MUST_CHECK uint32_t ek_provide(struct engine *engine);

#endif
