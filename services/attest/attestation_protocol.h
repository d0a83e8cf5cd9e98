/* SPDX-License-Identifier: MIT */
/*
 * The JSON messages of the SVSM attestation protocol, version 0.1.0, as the SVSM sends and reads
 * them. Reading is strict: what is used must have exactly the type and size it should have, names
 * may not repeat; members that are not known are passed over, as the protocol wants.
 */
#ifndef SNPVTPM_SERVICES_ATTEST_ATTESTATION_PROTOCOL_H
#define SNPVTPM_SERVICES_ATTEST_ATTESTATION_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/must_check.h"
#include "lib/jose/jwe_ecdh.h"
#include "lib/release/advert.h"
#include "services/attest/attest_error.h"
#include "services/attest/guest_request.h"

/* As received. Longer ones could carry a foreign public key in front of the KBS's nonce. */
#define CHALLENGE_SIZE_MIN 16
#define CHALLENGE_SIZE_MAX 128

struct challenge {
    uint8_t bytes[RELEASE_CHALLENGE_MAX]; /* with our request behind it */
    size_t size;
};

/* The first message, always the same. */
#define NEGOTIATION_REQUEST "{\"version\":[0,1,0],\"tee\":\"snp\"}"

/*
 * Reads a NegotiationResponse of size bytes. Accepts no recipe but ours: own key, then challenge.
 * A proxy that has no challenge says so with an empty one, and may give a reason.
 */
MUST_CHECK enum attest_error negotiation_response_parse(const char *json, size_t size,
                                                        struct challenge *challenge);

/* The AttestationRequest as NUL-terminated JSON, to be freed by the caller; NULL without memory. */
MUST_CHECK char *attestation_request_format(const struct attestation_evidence *evidence,
                                            const struct challenge *challenge,
                                            const struct p521_point *own);

/*
 * Reads an AttestationResponse of size bytes. When it says success, *reply holds the encrypted
 * secret, every part with its right size; nothing of it is authenticated yet.
 */
MUST_CHECK enum attest_error attestation_response_parse(const char *json, size_t size,
                                                        struct jwe *reply);

#endif
