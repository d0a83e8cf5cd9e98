/* SPDX-License-Identifier: MIT */
/*
 * libtpms below the engine: its callbacks, the profile of new TPMs, and the rule that a state is
 * kept only when libtpms can load it again (docs/tpm.md). For the engine's own files only.
 */
#ifndef SNPVTPM_SERVICES_TPM_LIBRARY_H
#define SNPVTPM_SERVICES_TPM_LIBRARY_H

#include "lib/base/reader.h"
#include "lib/base/writer.h"
#include "services/tpm/engine_type.h"

/* One log line: which libtpms this is, and what is wrong with an old one. */
void library_log_version(void);

/*
 * Starts libtpms from engine->state, or manufactures a TPM when there is none. False when it does
 * not start; then library_terminate() is not due.
 */
MUST_CHECK bool library_start(struct engine *engine);
void library_terminate(void);

/*
 * Executes one command, of TPM_HEADER_SIZE to TPM_COMMAND_MAX bytes, and returns the response's
 * size; what libtpms stored on the way is durable. There is always a response: TPM_RC_FAILURE when
 * libtpms gives none or the store failed.
 */
MUST_CHECK size_t library_process(struct engine *engine, uint8_t locality, const uint8_t *command,
                                  size_t size, uint8_t response[TPM_RESPONSE_MAX]);

/*
 * Executes a command of this program's own, whose size it sets, and returns the response's code.
 * When that is TPM_RC_SUCCESS, reply is at what follows the header.
 */
MUST_CHECK uint32_t library_run(struct engine *engine, struct writer *command,
                                uint8_t response[TPM_RESPONSE_MAX], struct reader *reply);

/*
 * Why libtpms did not start from the state of an intact volume (logged): ENGINE_TOO_NEW,
 * ENGINE_REFUSED, or ENGINE_FAILED when the state is not the reason.
 */
MUST_CHECK enum engine_opening library_refusal(struct engine *engine);

/*
 * Stores what libtpms has changed without storing it: the clock. False when that failed (logged):
 * then engine->failed is set, as after any store that fails.
 */
MUST_CHECK bool library_store_changes(struct engine *engine);

#endif
