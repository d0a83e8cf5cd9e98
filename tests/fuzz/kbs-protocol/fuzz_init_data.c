/* SPDX-License-Identifier: MIT */
/* Initdata: text of a host's. */
#include "kbs/protocol/init_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t host_data[HOST_DATA_SIZE];
    bool digested = init_data_digest((const char *)data, size, host_data);

    (void)digested;
    return 0;
}
