/* SPDX-License-Identifier: MIT */
/*
 * The input is the JSON of an AttestationResponse, opened with a key that no input can know, as an
 * image without and one with a pinned key of the KBS opens it.
 */
#include <stdlib.h>

#include <openssl/evp.h>

#include "lib/snp/report.h"
#include "services/attest/attestation_protocol.h"
#include "tests/unit/attest/unsigned.h"

/* A pin under which nobody signs, and a report of zeros. */
static bool opens_as_signed(EVP_PKEY *own, const struct jwe *reply, uint8_t key[STATE_KEY_SIZE])
{
    static const struct release_terms terms = {.pin_count = 1};
    static const uint8_t report[REPORT_SIZE];
    struct release_context context = {
        .terms = &terms, .request = {.op = RELEASE_OP_ACQUIRE}, .report = report, .own = own};

    return release_reply_open(&context, reply, key) == ATTEST_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static EVP_PKEY *own;
    static struct jwe reply;
    uint8_t key[STATE_KEY_SIZE];

    if (!own)
        own = p521_generate();
    if (attestation_response_parse((const char *)data, size, &reply) == ATTEST_OK &&
        (open_unsigned(own, &reply, key) == ATTEST_OK || opens_as_signed(own, &reply, key)))
        abort();
    return 0;
}
