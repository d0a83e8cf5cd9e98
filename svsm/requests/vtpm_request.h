/* SPDX-License-Identifier: MIT */
/* Decoding of the vTPM protocol's buffer (58019, chapter 8); nothing here touches guest memory. */
#ifndef SNPVTPM_SVSM_REQUESTS_VTPM_REQUEST_H
#define SNPVTPM_SVSM_REQUESTS_VTPM_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "lib/snp/svsm_abi.h"
#include "svsm/base/status.h"

struct vtpm_request {
    uint8_t locality;
    const uint8_t *command; /* inside the buffer */
    size_t size;
};

/*
 * Reads a copy of the guest's buffer, SVSM_VTPM_BUFFER_SIZE bytes. STATUS_BAD_FORMAT for another
 * platform command than sending a TPM command, a locality but 0, or a size that does not fit.
 */
MUST_CHECK enum status vtpm_request_decode(const uint8_t *buffer, struct vtpm_request *request);

#endif
