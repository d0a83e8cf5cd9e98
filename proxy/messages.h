/* SPDX-License-Identifier: MIT */
/*
 * The SVSM attestation protocol 0.1.0 (JSON with padded base64) and its translation to and from the
 * KBS protocol 0.4.0 (JSON with base64url). Pure functions: a NULL result means that the input is
 * not what the protocol says, or that memory is short. The caller releases what they return.
 */
#ifndef SNPVTPM_PROXY_MESSAGES_H
#define SNPVTPM_PROXY_MESSAGES_H

#include <stddef.h>

#include <jansson.h>

#include "lib/base/reader.h"

/*
 * Parses a JSON text with no name twice in an object and few enough brackets that the depth of its
 * nesting is bounded: jansson recurses for each level. NULL: it is none.
 */
MUST_CHECK json_t *json_bounded(struct reader text);

enum message_kind {
    MESSAGE_NEGOTIATION,
    MESSAGE_ATTESTATION,
    MESSAGE_UNKNOWN,
};

/* Parses what an SVSM sent; *message is NULL when it is no JSON object. */
MUST_CHECK enum message_kind message_parse(const void *bytes, size_t size, json_t **message);

/* Whether a NegotiationRequest is for version 0.1.0 and SEV-SNP. */
MUST_CHECK bool negotiation_is_supported(const json_t *message);

/* The body of the KBS's /auth. */
json_t *auth_request(void);

/* /auth's reply to NegotiationResponse. */
json_t *negotiation_response(const json_t *challenge);

/* The NegotiationResponse that ends a negotiation, and why. */
json_t *negotiation_failure(const char *reason);

/* AttestationRequest to the body of /attest. */
json_t *attest_request(const json_t *message);

/* The replies of /attest and of the resource to AttestationResponse. */
json_t *attestation_response(const json_t *attested, const json_t *jwe);

/* The AttestationResponse that releases nothing, and why. */
json_t *attestation_failure(const char *reason);

#endif
