/* SPDX-License-Identifier: MIT */
#include "services/tpm/command.h"

bool command_begin(struct writer *w, uint16_t tag, uint32_t code)
{
    return writer_be16(w, tag) && writer_be32(w, 0) && writer_be32(w, code);
}

bool command_empty_password(struct writer *w)
{
    uint32_t size = 4 + 2 + 1 + 2;

    return writer_be32(w, size) && writer_be32(w, TPM_RS_PW) && writer_be16(w, 0) &&
           writer_u8(w, 0) && writer_be16(w, 0);
}

size_t command_refusal(uint8_t response[TPM_RESPONSE_MAX], uint32_t code)
{
    put_be16(response, TPM_ST_NO_SESSIONS);
    put_be32(response + 2, TPM_HEADER_SIZE);
    put_be32(response + 6, code);
    return TPM_HEADER_SIZE;
}

void command_end(struct writer *w)
{
    put_be32(w->start + 2, (uint32_t)w->used);
}
