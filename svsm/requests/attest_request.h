/* SPDX-License-Identifier: MIT */
/* Decoding of the attestation protocol's operation (58019, chapter 9) and its manifests. */
#ifndef SNPVTPM_SVSM_REQUESTS_ATTEST_REQUEST_H
#define SNPVTPM_SVSM_REQUESTS_ATTEST_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "lib/abi/attest_service.h"
#include "svsm/base/address.h"
#include "svsm/base/status.h"

#define ATTEST_SERVICES_SIZE 0x40 /* bytes of the operation for all services */
#define ATTEST_SINGLE_SIZE   0x58 /* and for one */
#define ATTEST_GUID_SIZE     16

struct guest_buffer {
    gpa_t at;
    uint32_t size;
};

struct attest_request {
    struct guest_buffer report, manifest, certificates;
    gpa_t nonce;
    uint8_t service[ATTEST_GUID_SIZE]; /* of a single service */
};

/* Reads a copy of the operation: ATTEST_SINGLE_SIZE bytes when single,
 * else ATTEST_SERVICES_SIZE. */
MUST_CHECK enum status attest_request_decode(const uint8_t *bytes, bool single,
                                             struct attest_request *request);

extern const uint8_t attest_vtpm_guid[ATTEST_GUID_SIZE];

/* Writes the table of services, which is one entry, the vTPM; STATUS_OUT_OF_RANGE if no room. */
MUST_CHECK enum status attest_write_services(uint8_t *out, size_t room,
                                             const uint8_t *vtpm_manifest,
                                             size_t vtpm_manifest_size, size_t *size);

#endif
