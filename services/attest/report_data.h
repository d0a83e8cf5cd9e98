/* SPDX-License-Identifier: MIT */
/*
 * What REPORT_DATA binds: constants of the measured image.
 *
 * No message from the host chooses what is hashed here, nor in which order. A host that could would
 * have a genuine report made over a key of its own, and be given the state key encrypted to it.
 */
#ifndef SNPVTPM_SERVICES_ATTEST_REPORT_DATA_H
#define SNPVTPM_SERVICES_ATTEST_REPORT_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "lib/jose/p521.h"
#include "lib/snp/guest_message.h"
#include "services/attest/attest_error.h"
#include "services/attest/attestation_protocol.h"

#define REPORT_NONCE_SIZE 64 /* fixed, so that the two recipes cannot be confused */

/* SHA-512(x, y, challenge): own public key first. Fails only with ATTEST_ERR_INTERNAL. */
MUST_CHECK enum attest_error report_data_for_key(const struct p521_point *own,
                                                 const struct challenge *challenge,
                                                 uint8_t report_data[REPORT_DATA_SIZE]);

/* SHA-512(nonce, manifest): the SVSM's attestation protocol (58019, chapter 7). */
MUST_CHECK enum attest_error report_data_for_manifest(const uint8_t nonce[REPORT_NONCE_SIZE],
                                                      const uint8_t *manifest, size_t manifest_size,
                                                      uint8_t report_data[REPORT_DATA_SIZE]);

#endif
