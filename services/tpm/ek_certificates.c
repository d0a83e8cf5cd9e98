/* SPDX-License-Identifier: MIT */
#include "services/tpm/ek_certificates.h"

#include <openssl/sha.h>
#include <string.h>

#include "services/common/log.h"
#include "services/tpm/ek.h"
#include "services/tpm/library.h"
#include "services/tpm/own.h"

/* As tpm_manufacture of swtpm_setup has them; nothing is written any more once it is locked. */
#define ATTRIBUTES                                                                                 \
    (TPMA_NV_PLATFORMCREATE | TPMA_NV_PPWRITE | TPMA_NV_WRITEDEFINE | TPMA_NV_PPREAD |             \
     TPMA_NV_OWNERREAD | TPMA_NV_AUTHREAD | TPMA_NV_NO_DA)

bool ek_request_write(const struct ek_record *ek, struct writer *w)
{
    struct ek_request request = {.keys = ek->keys};

    if (!ek->known)
        return true;
    if (ek->certificates_size > 0 &&
        !SHA384(ek->certificates, ek->certificates_size, request.certificates))
        return false;
    return writer_put(w, &request, sizeof(request));
}

bool ek_certificates_keep(struct engine *engine, const uint8_t *bytes, size_t size)
{
    struct ek_certificate certificates[EK_KINDS];
    struct ek_record *record = &engine->ek;

    if (!record->known || size > sizeof(record->certificates) ||
        !ek_certificates_read(bytes, size, &record->keys, certificates)) {
        log_warning("the KBS's certificates are not of this TPM's endorsement keys, and are not "
                    "used");
        return false;
    }
    memcpy(record->certificates, bytes, size);
    record->certificates_size = size;
    ek_save(engine);
    return true;
}

/* Library specification, part 3, 31. */

/* A command about an index, with the platform's authorization. */
MUST_CHECK static bool begin(struct writer *w, uint32_t code, uint32_t index)
{
    return command_begin(w, TPM_ST_SESSIONS, code) && writer_be32(w, TPM_RH_PLATFORM) &&
           writer_be32(w, index) && command_empty_password(w);
}

MUST_CHECK static bool is_installed(struct engine *engine, uint32_t index,
                                    const struct ek_certificate *certificate)
{
    uint8_t command[TPM_HEADER_SIZE + 32];
    uint8_t response[TPM_RESPONSE_MAX];
    struct writer w = writer_over(command, sizeof(command));
    const uint8_t *found;
    struct reader reply;
    uint16_t size;

    return begin(&w, TPM_CC_NV_Read, index) && writer_be16(&w, (uint16_t)certificate->size) &&
           writer_be16(&w, 0) && library_run(engine, &w, response, &reply) == TPM_RC_SUCCESS &&
           reader_skip(&reply, 4) /* parameterSize */ && reader_be16(&reply, &size) &&
           size == certificate->size && reader_borrow(&reply, &found, size) &&
           memcmp(found, certificate->der, size) == 0;
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
    const uint16_t public_size = 4 + 2 + 4 + 2 + 2;

    return command_begin(&w, TPM_ST_SESSIONS, TPM_CC_NV_DefineSpace) &&
                   writer_be32(&w, TPM_RH_PLATFORM) && command_empty_password(&w) &&
                   writer_be16(&w, 0) /* the index's password */ && writer_be16(&w, public_size) &&
                   writer_be32(&w, index) && writer_be16(&w, TPM_ALG_SHA256) &&
                   writer_be32(&w, ATTRIBUTES) && writer_be16(&w, 0) /* no policy */ &&
                   writer_be16(&w, size)
               ? own_do(engine, &w)
               : TPM_RC_FAILURE;
}

MUST_CHECK static uint32_t write_data(struct engine *engine, uint32_t index,
                                      const struct ek_certificate *certificate)
{
    uint8_t command[TPM_HEADER_SIZE + 32 + EK_CERTIFICATE_MAX];
    struct writer w = writer_over(command, sizeof(command));

    return begin(&w, TPM_CC_NV_Write, index) && writer_be16(&w, (uint16_t)certificate->size) &&
                   writer_put(&w, certificate->der, certificate->size) && writer_be16(&w, 0)
               ? own_do(engine, &w)
               : TPM_RC_FAILURE;
}

MUST_CHECK static uint32_t lock(struct engine *engine, uint32_t index)
{
    uint8_t command[TPM_HEADER_SIZE + 32];
    struct writer w = writer_over(command, sizeof(command));

    return begin(&w, TPM_CC_NV_WriteLock, index) ? own_do(engine, &w) : TPM_RC_FAILURE;
}

/* What is at the index, an older certificate or whatever a firmware put there, has to go. */
static uint32_t install(struct engine *engine, uint32_t index,
                        const struct ek_certificate *certificate)
{
    uint32_t code;

    if (is_installed(engine, index, certificate))
        return TPM_RC_SUCCESS;
    (void)!undefine(engine, index); /* mostly there is nothing */
    code = define(engine, index, (uint16_t)certificate->size);
    if (code == TPM_RC_SUCCESS)
        code = write_data(engine, index, certificate);
    return code == TPM_RC_SUCCESS ? lock(engine, index) : code;
}

void ek_certificates_install(struct engine *engine)
{
    const struct ek_record *record = &engine->ek;
    struct ek_certificate certificates[EK_KINDS];

    if (record->certificates_size == 0 ||
        !ek_certificates_read(record->certificates, record->certificates_size, &record->keys,
                              certificates))
        return;
    for (enum ek_kind kind = 0; kind < EK_KINDS; kind++) {
        const uint32_t index = ek_nv_index(kind);
        const uint32_t code = install(engine, index, &certificates[kind]);

        if (code != TPM_RC_SUCCESS)
            log_warning("the certificate of an endorsement key is not at NV index 0x%x: response "
                        "code 0x%x",
                        (unsigned)index, (unsigned)code);
    }
}
