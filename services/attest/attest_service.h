/* SPDX-License-Identifier: MIT */
/* The operations of the attestation service on its channel (docs/service-abi.md). */
#ifndef SNPVTPM_SERVICES_ATTEST_ATTEST_SERVICE_H
#define SNPVTPM_SERVICES_ATTEST_ATTEST_SERVICE_H

#include <stdint.h>

#include "lib/abi/attest_service.h"
#include "lib/base/reader.h"
#include "lib/base/writer.h"
#include "services/attest/guest_request.h"
#include "services/attest/lease.h"
#include "services/attest/release_terms.h"

struct attest_service {
    int proxy;            /* byte stream */
    int amd_sp;           /* what requester uses */
    int state_key;        /* takes the released key, and what belongs to it */
    unsigned int timeout; /* milliseconds, of an exchange with the KBS */
    struct guest_requester requester;
    struct release_terms terms;
    struct lease lease;
    enum attest_error said;              /* on the log, last, of an exchange while the guest runs */
    struct ek_certificates certificates; /* of the CONFIRM being answered */
    struct attestation_evidence evidence; /* of the REPORT being answered */
};

/* A channel_handler; context is a struct attest_service. Says on the log why it fails. */
uint32_t attest_service_handle(void *context, uint32_t operation, struct reader *arguments,
                               struct writer *body);

#endif
