/* SPDX-License-Identifier: MIT */
/* The input is a record without its signature: what a KBS gone wrong could sign. */
#include <stdlib.h>

#include "lib/release/record_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct release_record record;

    if (!release_body_parse(data, size, &record) &&
        (record.op || record.status || record.has_volume || record.has_cek_commit))
        abort();
    return 0;
}
