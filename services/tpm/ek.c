/* SPDX-License-Identifier: MIT */
#include "services/tpm/ek.h"

#include <string.h>

#include "services/tpm/command.h"

#define RSA_BITS  2048
#define RSA_BYTES (RSA_BITS / 8)
#define AES_BITS  128

/* PolicyA: PolicySecret(TPM_RH_ENDORSEMENT). EK Credential Profile, appendix B.6.2. */
static const uint8_t policy_a[32] = {
    0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
    0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa,
};

/* TPMT_PUBLIC of template L-1: B.3.3. */
MUST_CHECK static bool put_template(struct writer *w)
{
    uint32_t attributes = TPMA_OBJECT_fixedTPM | TPMA_OBJECT_fixedParent |
                          TPMA_OBJECT_sensitiveDataOrigin | TPMA_OBJECT_adminWithPolicy |
                          TPMA_OBJECT_restricted | TPMA_OBJECT_decrypt;

    return writer_be16(w, TPM_ALG_RSA) && writer_be16(w, TPM_ALG_SHA256) &&
           writer_be32(w, attributes) && writer_be16(w, sizeof(policy_a)) &&
           writer_put(w, policy_a, sizeof(policy_a)) && writer_be16(w, TPM_ALG_AES) &&
           writer_be16(w, AES_BITS) && writer_be16(w, TPM_ALG_CFB) &&
           writer_be16(w, TPM_ALG_NULL) && writer_be16(w, RSA_BITS) &&
           writer_be32(w, 0) /* the default exponent */ && writer_be16(w, RSA_BYTES) &&
           writer_zeros(w, RSA_BYTES);
}

/* TPM2B_SENSITIVE_CREATE with neither userAuth nor data. */
MUST_CHECK static bool put_empty_sensitive(struct writer *w)
{
    return writer_be16(w, 2 + 2) && writer_be16(w, 0) && writer_be16(w, 0);
}

/* TPM2_CreatePrimary: library specification, part 3, 24.1. */
MUST_CHECK static bool put_create_primary(struct writer *w)
{
    uint8_t *template_size;
    size_t template_start;

    if (!command_begin(w, TPM_ST_SESSIONS, TPM_CC_CreatePrimary) ||
        !writer_be32(w, TPM_RH_ENDORSEMENT) || !command_empty_password(w) ||
        !put_empty_sensitive(w) || !writer_reserve(w, &template_size, 2))
        return false;
    template_start = w->used;
    if (!put_template(w))
        return false;
    put_be16(template_size, (uint16_t)(w->used - template_start));
    if (!writer_be16(w, 0) /* outsideInfo */ || !writer_be32(w, 0) /* creationPCR */)
        return false;
    command_end(w);
    return true;
}

static void flush_object(struct engine *engine, uint32_t handle)
{
    uint8_t command[TPM_HEADER_SIZE + 4];
    uint8_t response[TPM_RESPONSE_MAX];
    struct writer w = writer_over(command, sizeof(command));

    if (!command_begin(&w, TPM_ST_NO_SESSIONS, TPM_CC_FlushContext) || !writer_be32(&w, handle))
        return;
    command_end(&w);
    (void)!engine_execute(engine, 0, command, w.used, response);
}

/* Takes the code and, when that is success, the handle and outPublic from a response. */
MUST_CHECK static bool take_created(struct reader *r, uint32_t *code, uint32_t *handle,
                                    struct reader *out_public)
{
    uint32_t parameters_size;
    uint16_t public_size;

    if (!reader_skip(r, 2 + 4) || !reader_be32(r, code))
        return false;
    return *code != TPM_RC_SUCCESS ||
           (reader_be32(r, handle) && reader_be32(r, &parameters_size) &&
            reader_be16(r, &public_size) && reader_split(r, out_public, public_size));
}

uint32_t ek_provide(struct engine *engine)
{
    uint8_t command[TPM_COMMAND_MAX];
    uint8_t response[TPM_RESPONSE_MAX];
    struct writer w = writer_over(command, sizeof(command));
    struct reader created;
    struct reader out_public;
    uint32_t code;
    uint32_t handle;
    size_t size;

    if (engine->ek_public_size != 0)
        return TPM_RC_SUCCESS;
    if (!put_create_primary(&w))
        return TPM_RC_FAILURE;
    size = engine_execute(engine, 0, command, w.used, response);
    created = reader_over(response, size);
    if (!take_created(&created, &code, &handle, &out_public))
        return TPM_RC_FAILURE;
    if (code != TPM_RC_SUCCESS)
        return code;
    if (out_public.left <= sizeof(engine->ek_public)) {
        engine->ek_public_size = out_public.left;
        memcpy(engine->ek_public, out_public.next, out_public.left);
    }
    flush_object(engine, handle);
    return engine->ek_public_size != 0 ? TPM_RC_SUCCESS : TPM_RC_FAILURE;
}
