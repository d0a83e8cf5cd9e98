/* SPDX-License-Identifier: MIT */
/* The TPM service's operations (docs/service-abi.md). */
#ifndef SNPVTPM_SVSM_PROCESS_TPM_SERVICE_H
#define SNPVTPM_SVSM_PROCESS_TPM_SERVICE_H

#include "svsm/process/files.h"
#include "svsm/process/service.h"

/* Starts the service with its volume and its key. */
MUST_CHECK enum status tpm_service_start(struct service *service, const struct boot_service *image,
                                         struct block_device *volume, struct key_relay *key);

/*
 * Opens the volume, says on the console what came of it, and panics when there is no TPM to be had.
 * Returns the size of what it wrote to state: with 0 the TPM is ready; otherwise the KBS has to
 * confirm this state, and then tpm_service_confirmed() makes the TPM ready, with what the KBS sent.
 */
MUST_CHECK size_t tpm_service_open(struct service *service, uint8_t *state, size_t room);
void tpm_service_confirmed(struct service *service, struct reader certificates);

/* Executes a TPM command; always gives a response, TPM_RC_FAILURE when the service cannot. */
size_t tpm_service_command(struct service *service, uint8_t locality, const uint8_t *command,
                           size_t size, uint8_t *out, size_t room);

/* The endorsement key's TPMT_PUBLIC. */
MUST_CHECK enum status tpm_service_ek_public(struct service *service, uint8_t *out, size_t room,
                                             size_t *size);

#endif
