/* SPDX-License-Identifier: MIT */
/* Sealing and opening of guest messages: AES-256-GCM (SNP firmware ABI 56860, chapter 7). */
#ifndef SNPVTPM_EMULATOR_AMD_SP_MESSAGE_CRYPTO_H
#define SNPVTPM_EMULATOR_AMD_SP_MESSAGE_CRYPTO_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/must_check.h"
#include "lib/snp/guest_message.h"
#include "lib/snp/secrets_page.h"

/*
 * Encrypts header->msg_size bytes of payload into ciphertext and sets header->authtag. All other
 * fields of the header must be final. Returns false when libcrypto fails.
 */
MUST_CHECK bool message_seal(const uint8_t vmpck[VMPCK_SIZE], struct guest_message_header *header,
                             const uint8_t *payload, uint8_t *ciphertext);

/*
 * Decrypts header->msg_size bytes of ciphertext into payload. Returns false, and payload is to be
 * ignored, unless the message is authentic.
 */
MUST_CHECK bool message_open(const uint8_t vmpck[VMPCK_SIZE],
                             const struct guest_message_header *header, const uint8_t *ciphertext,
                             uint8_t *payload);

#endif
