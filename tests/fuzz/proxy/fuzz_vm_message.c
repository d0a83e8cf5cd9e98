/* SPDX-License-Identifier: MIT */
/* What a VM sends: it becomes a request to the KBS, or is refused. */
#include <stdint.h>

#include "proxy/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *message;

    if (message_parse(data, size, &message) != MESSAGE_UNKNOWN) {
        (void)!negotiation_is_supported(message);
        json_decref(attest_request(message));
    }
    json_decref(message);
    return 0;
}
