/* SPDX-License-Identifier: MIT */
/* Library specification, part 3, 31. */
#include "services/tpm/nv_index.h"

#include <string.h>

#include "services/common/log.h"
#include "services/tpm/library.h"
#include "services/tpm/own.h"

/* As tpm_manufacture of swtpm_setup has them; nothing is written any more once it is locked. */
#define ATTRIBUTES                                                                                 \
    (TPMA_NV_PLATFORMCREATE | TPMA_NV_PPWRITE | TPMA_NV_WRITEDEFINE | TPMA_NV_PPREAD |             \
     TPMA_NV_OWNERREAD | TPMA_NV_AUTHREAD | TPMA_NV_NO_DA)

/* A command about an index, with the platform's authorization. */
MUST_CHECK static bool begin(struct writer *w, uint32_t code, uint32_t index)
{
    return command_begin(w, TPM_ST_SESSIONS, code) && writer_be32(w, TPM_RH_PLATFORM) &&
           writer_be32(w, index) && command_empty_password(w);
}

MUST_CHECK static bool is_installed(struct engine *engine, uint32_t index, const uint8_t *bytes,
                                    uint16_t size)
{
    uint8_t command[TPM_HEADER_SIZE + 32];
    uint8_t response[TPM_RESPONSE_MAX];
    struct writer w = writer_over(command, sizeof(command));
    uint32_t attributes;
    const uint8_t *found;
    struct reader reply;
    uint16_t length;

    return nv_index_attributes(engine, index, &attributes) &&
           attributes == (ATTRIBUTES | TPMA_NV_WRITTEN | TPMA_NV_WRITELOCKED) &&
           begin(&w, TPM_CC_NV_Read, index) && writer_be16(&w, size) && writer_be16(&w, 0) &&
           library_run(engine, &w, response, &reply) == TPM_RC_SUCCESS &&
           reader_skip(&reply, 4) /* parameterSize */ && reader_be16(&reply, &length) &&
           length == size && reader_borrow(&reply, &found, size) && memcmp(found, bytes, size) == 0;
}

MUST_CHECK static uint32_t undefine(struct engine *engine, uint32_t index)
{
    uint8_t command[TPM_HEADER_SIZE + 32];
    struct writer w = writer_over(command, sizeof(command));

    return begin(&w, TPM_CC_NV_UndefineSpace, index) ? own_do(engine, &w) : TPM_RC_FAILURE;
}

MUST_CHECK static uint32_t define(struct engine *engine, uint32_t index, uint16_t size)
{
    uint8_t command[TPM_HEADER_SIZE + 48];
    struct writer w = writer_over(command, sizeof(command));
    uint16_t public_size = 4 + 2 + 4 + 2 + 2;

    return command_begin(&w, TPM_ST_SESSIONS, TPM_CC_NV_DefineSpace) &&
                   writer_be32(&w, TPM_RH_PLATFORM) && command_empty_password(&w) &&
                   writer_be16(&w, 0) /* the index's password */ && writer_be16(&w, public_size) &&
                   writer_be32(&w, index) && writer_be16(&w, TPM_ALG_SHA256) &&
                   writer_be32(&w, ATTRIBUTES) && writer_be16(&w, 0) /* no policy */ &&
                   writer_be16(&w, size)
               ? own_do(engine, &w)
               : TPM_RC_FAILURE;
}

MUST_CHECK static uint32_t write_data(struct engine *engine, uint32_t index, const uint8_t *bytes,
                                      uint16_t size)
{
    uint8_t command[TPM_HEADER_SIZE + 32 + NV_INDEX_DATA_MAX];
    struct writer w = writer_over(command, sizeof(command));

    return begin(&w, TPM_CC_NV_Write, index) && writer_be16(&w, size) &&
                   writer_put(&w, bytes, size) && writer_be16(&w, 0)
               ? own_do(engine, &w)
               : TPM_RC_FAILURE;
}

MUST_CHECK static uint32_t lock(struct engine *engine, uint32_t index)
{
    uint8_t command[TPM_HEADER_SIZE + 32];
    struct writer w = writer_over(command, sizeof(command));

    return begin(&w, TPM_CC_NV_WriteLock, index) ? own_do(engine, &w) : TPM_RC_FAILURE;
}

MUST_CHECK static uint32_t install(struct engine *engine, uint32_t index, const uint8_t *bytes,
                                   uint16_t size)
{
    uint32_t code;

    if (is_installed(engine, index, bytes, size))
        return TPM_RC_SUCCESS;
    (void)!undefine(engine, index); /* mostly there is nothing */
    code = define(engine, index, size);
    if (code == TPM_RC_SUCCESS)
        code = write_data(engine, index, bytes, size);
    return code == TPM_RC_SUCCESS ? lock(engine, index) : code;
}

void nv_index_install(struct engine *engine, uint32_t index, const uint8_t *bytes, size_t size)
{
    uint32_t code =
        size <= NV_INDEX_DATA_MAX ? install(engine, index, bytes, (uint16_t)size) : TPM_RC_FAILURE;

    if (code != TPM_RC_SUCCESS)
        log_warning("what belongs at NV index 0x%x is not there: response code 0x%x",
                    (unsigned)index, (unsigned)code);
}

void nv_index_remove(struct engine *engine, uint32_t index)
{
    uint32_t attributes;
    uint32_t code;

    if (!nv_index_attributes(engine, index, &attributes) || !(attributes & TPMA_NV_PLATFORMCREATE))
        return;
    code = undefine(engine, index);
    if (code != TPM_RC_SUCCESS)
        log_warning("NV index 0x%x is not removed: response code 0x%x", (unsigned)index,
                    (unsigned)code);
}

bool nv_index_attributes(struct engine *engine, uint32_t index, uint32_t *attributes)
{
    uint8_t command[TPM_HEADER_SIZE + 4];
    uint8_t response[TPM_RESPONSE_MAX];
    struct writer w = writer_over(command, sizeof(command));
    struct reader reply;

    return command_begin(&w, TPM_ST_NO_SESSIONS, TPM_CC_NV_ReadPublic) && writer_be32(&w, index) &&
           library_run(engine, &w, response, &reply) == TPM_RC_SUCCESS &&
           reader_skip(&reply, 2 + 4 + 2) /* sizes, index, nameAlg */ &&
           reader_be32(&reply, attributes);
}
