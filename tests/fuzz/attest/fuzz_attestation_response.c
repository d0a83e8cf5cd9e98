/* SPDX-License-Identifier: MIT */
/* The input is the JSON of an AttestationResponse, opened with a key that no input can know. */
#include <stdlib.h>

#include <openssl/evp.h>

#include "services/attest/attestation_protocol.h"
#include "tests/unit/attest/unsigned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static EVP_PKEY *own;
    static struct jwe reply;
    uint8_t key[STATE_KEY_SIZE];

    if (!own)
        own = p521_generate();
    if (attestation_response_parse((const char *)data, size, &reply) == ATTEST_OK &&
        open_unsigned(own, &reply, key) == ATTEST_OK)
        abort();
    return 0;
}
