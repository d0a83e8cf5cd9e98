/* SPDX-License-Identifier: MIT */
/* What a KBS answers: it becomes a response to the VM, or is refused. */
#include <stdint.h>

#include "proxy/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *reply = json_bounded(reader_over(data, size));
    json_t *token = json_pack("{s:s}", "token", "t");

    json_decref(negotiation_response(reply));
    json_decref(attestation_response(token, reply));
    json_decref(attestation_response(reply, reply));
    json_decref(token);
    json_decref(reply);
    return 0;
}
