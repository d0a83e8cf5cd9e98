/* SPDX-License-Identifier: MIT */
/* The framing of the simulator protocol: the first byte chooses the port, the rest is received. */
#include <stdlib.h>

#include "services/tpm/mssim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader bytes = reader_over(data, size);
    struct mssim_message message;
    uint8_t port;

    if (!reader_u8(&bytes, &port))
        return 0;
    for (size_t left = bytes.left;
         mssim_parse(port % 2 == 0 ? MSSIM_COMMAND_PORT : MSSIM_PLATFORM_PORT, &bytes, &message) ==
         MSSIM_WHOLE;
         left = bytes.left) {
        if (bytes.left >= left || message.command.left > TPM_COMMAND_MAX)
            abort();
        for (size_t i = 0; i < message.command.left; i++)
            if (message.command.next + i >= data + size)
                abort();
    }
    return 0;
}
