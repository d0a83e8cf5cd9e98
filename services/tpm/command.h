/* SPDX-License-Identifier: MIT */
/*
 * TPM commands that this program sends to its own TPM: what they have in common. Library
 * specification, part 1, 18.
 */
#ifndef SNPVTPM_SERVICES_TPM_COMMAND_H
#define SNPVTPM_SERVICES_TPM_COMMAND_H

#include "lib/base/writer.h"
#include "services/tpm/tpm_abi.h"

/* The header; tag is TPM_ST_SESSIONS when authorizations follow the handles. */
MUST_CHECK bool command_begin(struct writer *w, uint16_t tag, uint32_t code);

/* An authorization area of one TPMS_AUTH_COMMAND: an empty password. Part 2, 10.13.2. */
MUST_CHECK bool command_empty_password(struct writer *w);

/* Sets the size in the header, once everything is there. */
void command_end(struct writer *w);

/* The response that carries nothing but a code; returns its size. */
MUST_CHECK size_t command_refusal(uint8_t response[TPM_RESPONSE_MAX], uint32_t code);

#endif
