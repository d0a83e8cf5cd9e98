/* SPDX-License-Identifier: MIT */
/*
 * The TPM: libtpms with its permanent state on a state volume. One engine exists in a process,
 * because libtpms keeps its state in globals.
 */
#ifndef SNPVTPM_SERVICES_TPM_ENGINE_H
#define SNPVTPM_SERVICES_TPM_ENGINE_H

#include "services/tpm/engine_type.h"

/*
 * Opens the state volume and powers the TPM on from it; a blank volume gets a new TPM. The storage
 * must live until engine_close(), which is due in any case.
 */
MUST_CHECK enum engine_opening engine_open(struct engine *engine,
                                           const struct volume_storage *storage,
                                           const uint8_t key[VOLUME_KEY_SIZE]);

/*
 * The same for a volume with a lease: opens the state that the KBS committed and no other, or what
 * grant permits as long as none is. What the TPM stores while it starts is one new state, durable
 * when this returns; it is the KBS's to confirm, unless the TPM is ephemeral.
 */
MUST_CHECK enum engine_opening engine_open_leased(struct engine *engine,
                                                  const struct volume_storage *storage,
                                                  const struct state_grant *grant);

/* Whether there is a TPM now. */
MUST_CHECK bool engine_is_open(enum engine_opening opening);

/*
 * _TPM_Init: the TPM loses what is volatile and waits for TPM2_Startup, from the state that is
 * durable. False when it cannot start (logged).
 */
MUST_CHECK bool engine_power_cycle(struct engine *engine);
void engine_power_off(struct engine *engine);

/* An orderly end before power goes: TPM2_Shutdown(CLEAR), unless the client has just done that. */
void engine_shut_down(struct engine *engine);

/*
 * Executes one command and returns the response's size. There is always a response: what is not
 * even a command gets one with an error code. Whatever the command changed is durable before this
 * returns, and could be loaded again; if that failed, the response is TPM_RC_FAILURE, as are all
 * until the next power cycle. docs/tpm.md says what a TPM does not keep by its specification, and
 * which commands this refuses although libtpms would execute them.
 */
MUST_CHECK size_t engine_execute(struct engine *engine, uint8_t locality, const uint8_t *command,
                                 size_t size, uint8_t response[TPM_RESPONSE_MAX]);

/*
 * Whether libtpms starts from a state: ENGINE_OPENED; otherwise ENGINE_REFUSED, ENGINE_TOO_NEW or
 * ENGINE_FAILED (logged). No engine may be open.
 */
MUST_CHECK enum engine_opening engine_try_state(const uint8_t *bytes, size_t size);

/* Powers off and wipes. */
void engine_close(struct engine *engine);

#endif
