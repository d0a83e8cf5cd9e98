/* SPDX-License-Identifier: MIT */
#include "services/tpm/own.h"

#include "services/tpm/library.h"

uint32_t own_do(struct engine *engine, struct writer *w)
{
    uint8_t response[TPM_RESPONSE_MAX];
    struct reader reply;

    return library_run(engine, w, response, &reply);
}

bool own_property(struct engine *engine, uint32_t property, uint32_t *value)
{
    uint8_t command[TPM_HEADER_SIZE + 12];
    uint8_t response[TPM_RESPONSE_MAX];
    struct writer w = writer_over(command, sizeof(command));
    struct reader reply;
    uint32_t count;
    uint32_t found;

    return command_begin(&w, TPM_ST_NO_SESSIONS, TPM_CC_GetCapability) &&
           writer_be32(&w, TPM_CAP_TPM_PROPERTIES) && writer_be32(&w, property) &&
           writer_be32(&w, 1) && library_run(engine, &w, response, &reply) == TPM_RC_SUCCESS &&
           reader_skip(&reply, 1 + 4) /* moreData, the capability again */ &&
           reader_be32(&reply, &count) && count == 1 && reader_be32(&reply, &found) &&
           found == property && reader_be32(&reply, value);
}
