/* SPDX-License-Identifier: MIT */
/* What REPORT_DATA must be, so that a report is about the guest's key and this session's nonce. */
#ifndef SNPVTPM_KBS_PROTOCOL_BINDING_H
#define SNPVTPM_KBS_PROTOCOL_BINDING_H

#include "kbs/protocol/attest_request.h"

/*
 * COCONUT: SHA-512(x || y || the challenge as sent); the key first, so that no challenge can stand
 * for one. Trustee: SHA-384 of the canonical JSON (RFC 8785) of additional-evidence, nonce and
 * tee-pubkey, padded with zeros. False when OpenSSL or the memory fails.
 */
MUST_CHECK bool binding_report_data(const struct attest_request *request,
                                    uint8_t report_data[REPORT_DATA_SIZE]);

#endif
