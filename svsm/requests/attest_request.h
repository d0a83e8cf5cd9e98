/* SPDX-License-Identifier: MIT */
/* Decoding of the attestation protocol's operation (58019, chapter 9). */
#ifndef SNPVTPM_SVSM_REQUESTS_ATTEST_REQUEST_H
#define SNPVTPM_SVSM_REQUESTS_ATTEST_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "lib/abi/attest_service.h"
#include "svsm/base/address.h"
#include "svsm/base/status.h"

#define ATTEST_SERVICES_SIZE 0x40 /* bytes of the operation for all services */
#define ATTEST_SINGLE_SIZE   0x58 /* and for one */

struct guest_buffer {
    gpa_t at;
    uint32_t size;
};

struct attest_request {
    struct guest_buffer report, manifest, certificates;
    gpa_t nonce;
    size_t which_size; /* 0: all services */
    uint8_t which[20]; /* a service's GUID, and the version of its manifest */
};

/* Reads a copy of the operation: ATTEST_SINGLE_SIZE bytes when single,
 * else ATTEST_SERVICES_SIZE. */
MUST_CHECK enum status attest_request_decode(const uint8_t *bytes, bool single,
                                             struct attest_request *request);

#endif
