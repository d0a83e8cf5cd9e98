/* SPDX-License-Identifier: MIT */
#include "svsm/requests/vtpm_request.h"

#include "lib/base/reader.h"

enum status vtpm_request_decode(const uint8_t *buffer, struct vtpm_request *request)
{
    struct reader r = reader_over(buffer, SVSM_VTPM_BUFFER_SIZE);
    uint32_t platform_command, size;

    if (!reader_le32(&r, &platform_command) || !reader_u8(&r, &request->locality) ||
        !reader_le32(&r, &size))
        return STATUS_BAD_FORMAT;
    if (platform_command != SVSM_VTPM_SEND_COMMAND)
        return STATUS_BAD_FORMAT;
    if (request->locality != 0 || !reader_borrow(&r, &request->command, size))
        return STATUS_BAD_FORMAT;
    request->size = size;
    return STATUS_OK;
}
