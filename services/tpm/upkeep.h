/* SPDX-License-Identifier: MIT */
/*
 * What the engine does for its TPM besides the client's commands (docs/tpm.md): it refuses two that
 * would break a promise, keeps the clock durable, and shuts the TPM down in order. For the engine's
 * own files only, but for the clock.
 */
#ifndef SNPVTPM_SERVICES_TPM_UPKEEP_H
#define SNPVTPM_SERVICES_TPM_UPKEEP_H

#include "services/tpm/engine_type.h"

/* The code for a command that must not reach libtpms, TPM_RC_SUCCESS for one that may. It has a
 * whole header. */
MUST_CHECK uint32_t upkeep_refuses(struct engine *engine, const uint8_t *command, size_t size);

/* Follows up such a command, which libtpms has answered with code. What fails is logged;
 * engine->failed may be set. */
void upkeep_after(struct engine *engine, const uint8_t *command, size_t size, uint32_t code);

/* Whether a command writes the data of an ordinary index (TPM_NT_ORDINARY) and does nothing else.
 */
MUST_CHECK bool upkeep_writes_data(struct engine *engine, const uint8_t *command, size_t size);

/* Milliseconds, of a clock that only goes forward. */
uint64_t upkeep_clock(void);

/* TPM2_Shutdown(CLEAR), unless it is done or there is nothing to shut down. */
void upkeep_shut_down(struct engine *engine);

#endif
