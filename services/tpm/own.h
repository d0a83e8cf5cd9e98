/* SPDX-License-Identifier: MIT */
/* Commands that the engine's own files have libtpms execute, beside the client's. */
#ifndef SNPVTPM_SERVICES_TPM_OWN_H
#define SNPVTPM_SERVICES_TPM_OWN_H

#include "services/tpm/command.h"
#include "services/tpm/engine_type.h"

/* Ends the command in w and runs it. When its code is success, reply is at what follows the header
 * of response. */
MUST_CHECK uint32_t own_run(struct engine *engine, struct writer *w,
                            uint8_t response[TPM_RESPONSE_MAX], struct reader *reply);

/* The same, where nothing of the reply is wanted. */
MUST_CHECK uint32_t own_do(struct engine *engine, struct writer *w);

/* TPM2_GetCapability of one property. */
MUST_CHECK bool own_property(struct engine *engine, uint32_t property, uint32_t *value);

#endif
