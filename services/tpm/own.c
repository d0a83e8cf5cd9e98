/* SPDX-License-Identifier: MIT */
#include "services/tpm/own.h"

#include "services/tpm/library.h"

uint32_t own_run(struct engine *engine, struct writer *w, uint8_t response[TPM_RESPONSE_MAX],
                 struct reader *reply)
{
    size_t size;
    uint32_t code;

    command_end(w);
    size = library_process(engine, 0, w->start, w->used, response);
    *reply = reader_over(response, size);
    return reader_skip(reply, 2 + 4) && reader_be32(reply, &code) ? code : TPM_RC_FAILURE;
}

uint32_t own_do(struct engine *engine, struct writer *w)
{
    uint8_t response[TPM_RESPONSE_MAX];
    struct reader reply;

    return own_run(engine, w, response, &reply);
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
           writer_be32(&w, 1) && own_run(engine, &w, response, &reply) == TPM_RC_SUCCESS &&
           reader_skip(&reply, 1 + 4) /* moreData, the capability again */ &&
           reader_be32(&reply, &count) && count == 1 && reader_be32(&reply, &found) &&
           found == property && reader_be32(&reply, value);
}
