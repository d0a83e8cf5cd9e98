/* SPDX-License-Identifier: MIT */
/*
 * The body of POST /kbs/v0/attest, in the form of COCONUT-SVSM's proxy or in that of Trustee's
 * clients. Members that are not needed are passed over; what would leave open which evidence or
 * which key counts is refused.
 */
#ifndef SNPVTPM_KBS_PROTOCOL_ATTEST_REQUEST_H
#define SNPVTPM_KBS_PROTOCOL_ATTEST_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "kbs/evidence/certificates.h"
#include "kbs/evidence/chain_cache.h"
#include "kbs/protocol/init_data.h"
#include "lib/base/must_check.h"
#include "lib/jose/json_memory.h"
#include "lib/jose/jwk.h"
#include "lib/release/advert.h"
#include "lib/snp/report.h"

/* Value, the code that a client gets, meaning. */
#define ATTEST_REQUEST_STATUSES(S)                                                                 \
    S(OK, "ok", "it is well-formed")                                                               \
    S(MALFORMED, "request-malformed", "the request is not of the form that the protocol wants")    \
    S(EVIDENCE_MIXED, "evidence-mixed", "the request has evidence of two dialects")                \
    S(ADDITIONAL, "additional-evidence-unsupported", "the request has evidence of other devices")  \
    S(KEY_MIXED, "key-mixed", "the guest's key has members of two kinds of keys")                  \
    S(KEY_UNSUPPORTED, "key-unsupported", "the guest's key is of no kind that may get secrets")    \
    S(KEY_WEAK, "key-weak", "the guest's key is too short or has too small an exponent")           \
    S(KEY_INVALID, "key-invalid", "the guest's key is none: not a point of its curve")             \
    S(INIT_DATA, "init-data-unsupported", "the initdata does not tell its algorithm as expected")

enum attest_request_status {
#define S(name, code, words) ATTEST_REQUEST_##name,
    ATTEST_REQUEST_STATUSES(S)
#undef S
};

enum attest_form {
    ATTEST_FORM_COCONUT, /* primary_evidence has "snp-report" */
    ATTEST_FORM_COCO,    /* primary_evidence has "attestation_report" */
};

struct attest_request {
    struct json_region body; /* owns the strings */
    enum attest_form form;
    const char *nonce_text; /* base64 */
    uint8_t nonce[RELEASE_CHALLENGE_MAX];
    size_t nonce_size;
    const char *additional_evidence;
    struct jwk key;
    uint8_t *report; /* owned, as the next two */
    size_t report_size;
    uint8_t *certificate_table; /* NULL when absent */
    size_t certificate_table_size;
    struct certificates certificates; /* of ATTEST_FORM_COCO */
    bool has_init_data;
    uint8_t host_data[HOST_DATA_SIZE]; /* that the initdata demands */
};

/*
 * Parses size bytes of JSON; *out is empty unless the status is ATTEST_REQUEST_OK. known has
 * certificates that need no parsing, and may be NULL. A P-521 key is not known to be one yet: what
 * encrypts to it sees to that.
 */
MUST_CHECK enum attest_request_status attest_request_parse(const void *body, size_t size,
                                                           struct chain_cache *known,
                                                           struct attest_request *out);

void attest_request_free(struct attest_request *request);

const char *attest_request_code(enum attest_request_status status);
const char *attest_request_text(enum attest_request_status status);

#endif
