/* SPDX-License-Identifier: MIT */
/* The certificate table that a host hands to its guests. */
#include "kbs/evidence/certificate_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct certificates certificates;

    if (certificates_parse_table(data, size, NULL, &certificates))
        certificates_free(&certificates);
    return 0;
}
