/* SPDX-License-Identifier: MIT */
/*
 * Sealing and opening one guest message with a VMPCK (SNP firmware ABI 56860, chapter 7).
 *
 * This is the cryptography and the header only; the discipline of sequence numbers, which keeps an
 * IV from being used twice, is guest_request.h's.
 */
#ifndef SNPVTPM_SERVICES_ATTEST_GUEST_MESSAGE_H
#define SNPVTPM_SERVICES_ATTEST_GUEST_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/must_check.h"
#include "lib/snp/guest_message.h"
#include "lib/snp/secrets_page.h"
#include "services/attest/attest_error.h"

/*
 * Builds the request message for VMPCK0: header, and payload encrypted. size is 1 to
 * GUEST_MESSAGE_PAYLOAD bytes. Fails only with ATTEST_ERR_INTERNAL.
 */
MUST_CHECK enum attest_error guest_message_seal(uint8_t message[GUEST_MESSAGE_SIZE],
                                                const uint8_t vmpck[VMPCK_SIZE], uint64_t seqno,
                                                enum guest_message_type type, const void *payload,
                                                size_t size);

/*
 * Opens the response to the message sealed with request_seqno and request_type: it must carry the
 * next sequence number, the next type, the version we speak, at most room bytes, and the right tag.
 * Writes *size bytes to payload. ATTEST_ERR_AMD_SP_RESPONSE when anything differs (payload is then
 * wiped), ATTEST_ERR_INTERNAL without memory.
 */
MUST_CHECK enum attest_error guest_message_open(const uint8_t message[GUEST_MESSAGE_SIZE],
                                                const uint8_t vmpck[VMPCK_SIZE],
                                                uint64_t request_seqno,
                                                enum guest_message_type request_type, void *payload,
                                                size_t room, size_t *size);

#endif
