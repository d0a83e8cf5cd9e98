/* SPDX-License-Identifier: MIT */
/* Bodies of /auth. */
#include <stdint.h>

#include "kbs/protocol/greeting.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool supported = greeting_is_supported(data, size);

    (void)supported;
    return 0;
}
