/* SPDX-License-Identifier: MIT */
/* The input is what somebody put into the store for the record of a lease. */
#include <stdlib.h>
#include <string.h>

#include "kbs/lease/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lease_record record;
    uint8_t again[LEASE_RECORD_SIZE];

    if (!lease_record_decode(data, size, &record))
        return 0;
    lease_record_encode(&record, again);
    if (size != sizeof(again) || memcmp(data, again, size) != 0)
        abort();
    return 0;
}
