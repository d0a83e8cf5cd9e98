/* SPDX-License-Identifier: MIT */
/* The body of POST /kbs/v0/attest, as COCONUT-SVSM's proxy writes it. */
#ifndef SNPVTPM_KBS_ATTESTATION_REQUEST_H
#define SNPVTPM_KBS_ATTESTATION_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "kbs/session.h"
#include "lib/base/reader.h"
#include "lib/jose/p521.h"

struct attestation_request {
    uint8_t nonce[SESSION_NONCE_SIZE];
    struct p521_point key; /* two coordinates, not known to be on the curve */
    uint8_t *report;       /* owned, as the next */
    size_t report_size;
    uint8_t *certificate_table; /* NULL when absent */
    size_t certificate_table_size;
};

/* Parses size bytes of JSON. False when malformed, or in another dialect; *out is then empty. */
MUST_CHECK bool attestation_request_parse(const void *body, size_t size,
                                          struct attestation_request *out);

void attestation_request_free(struct attestation_request *request);

#endif
