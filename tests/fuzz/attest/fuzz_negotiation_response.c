/* SPDX-License-Identifier: MIT */
/* The input is the JSON of a NegotiationResponse. */
#include <stdlib.h>

#include "services/attest/attestation_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct challenge challenge;

    if (negotiation_response_parse((const char *)data, size, &challenge) == ATTEST_OK &&
        (challenge.size < CHALLENGE_SIZE_MIN || challenge.size > CHALLENGE_SIZE_MAX))
        abort();
    return 0;
}
