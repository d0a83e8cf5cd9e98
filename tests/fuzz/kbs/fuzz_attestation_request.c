/* SPDX-License-Identifier: MIT */
/* The body of /attest: any bytes are parsed or refused, and what is parsed keeps its bounds. */
#include <stdlib.h>

#include "kbs/attestation_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct attestation_request request;

    if (attestation_request_parse(data, size, &request) &&
        (!request.report || request.report_size > size || request.certificate_table_size > size))
        abort();
    attestation_request_free(&request);
    return 0;
}
