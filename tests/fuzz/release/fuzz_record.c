/* SPDX-License-Identifier: MIT */
/* The input is a record without its signature: what a KBS gone wrong could sign. */
#include <stdlib.h>
#include <string.h>

#include "lib/release/record_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct release_record nothing;
    struct release_record record;

    if (!release_body_parse(data, size, &record) && memcmp(&record, &nothing, sizeof(record)) != 0)
        abort();
    return 0;
}
