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
 * If the volume has a lease, the KBS has confirmed the TPM's state then; returns whether it has.
 */
MUST_CHECK bool tpm_service_open(struct service *service, struct service *attest,
                                 uint32_t pcr_banks);

/*
 * Hands what is due to the attestation service, unread, and its answer back. 0: something was done;
 * SERVICE_WAITS: nothing is due, or not done yet. For both services' locks.
 */
uint32_t tpm_service_pass_on(struct service *service, struct service *attest);

/*
 * Executes a TPM command; always gives a response, TPM_RC_FAILURE when the service cannot. 0: it
 * waits for the KBS, and the same command has to come again. For both services' locks.
 */
MUST_CHECK size_t tpm_service_command(struct service *service, struct service *attest,
                                      uint8_t locality, const uint8_t *command, size_t size,
                                      uint8_t *out, size_t room);

/* The manifest of one service or, where which is empty, of all. STATUS_BAD_FORMAT: there is none.
 */
MUST_CHECK enum status tpm_service_manifest(struct service *service, const uint8_t *which,
                                            size_t which_size, uint8_t *out, size_t room,
                                            size_t *size);

#endif
