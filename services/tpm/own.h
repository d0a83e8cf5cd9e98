/* SPDX-License-Identifier: MIT */
/* Commands that the engine's own files have libtpms execute, beside the client's. */
#ifndef SNPVTPM_SERVICES_TPM_OWN_H
#define SNPVTPM_SERVICES_TPM_OWN_H

#include "services/tpm/command.h"
#include "services/tpm/engine_type.h"

/* library_run() where nothing of the reply is wanted. */
MUST_CHECK uint32_t own_do(struct engine *engine, struct writer *w);

/* TPM2_GetCapability of one property. */
MUST_CHECK bool own_property(struct engine *engine, uint32_t property, uint32_t *value);

#endif
