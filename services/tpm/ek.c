/* SPDX-License-Identifier: MIT */
#include "services/tpm/ek.h"

#include <openssl/crypto.h>
#include <string.h>

#include "lib/ek/template.h"
#include "services/common/log.h"
#include "services/tpm/library.h"
#include "services/tpm/own.h"

/* Making a key */

/* TPM2B_SENSITIVE_CREATE with neither userAuth nor data. */
MUST_CHECK static bool put_empty_sensitive(struct writer *w)
{
    return writer_be16(w, 2 + 2) && writer_be16(w, 0) && writer_be16(w, 0);
}

/* TPM2_CreatePrimary: library specification, part 3, 24.1. */
MUST_CHECK static bool put_create_primary(struct writer *w, enum ek_kind kind)
{
    uint8_t *template_size;
    size_t template_start;

    if (!command_begin(w, TPM_ST_SESSIONS, TPM_CC_CreatePrimary) ||
        !writer_be32(w, TPM_RH_ENDORSEMENT) || !command_empty_password(w) ||
        !put_empty_sensitive(w) || !writer_reserve(w, &template_size, 2))
        return false;
    template_start = w->used;
    if (!ek_template_write(w, kind))
        return false;
    put_be16(template_size, (uint16_t)(w->used - template_start));
    return writer_be16(w, 0) /* outsideInfo */ && writer_be32(w, 0) /* creationPCR */;
}

static void flush_object(struct engine *engine, uint32_t handle)
{
    uint8_t command[TPM_HEADER_SIZE + 4];
    struct writer w = writer_over(command, sizeof(command));

    if (command_begin(&w, TPM_ST_NO_SESSIONS, TPM_CC_FlushContext) && writer_be32(&w, handle))
        (void)!own_do(engine, &w);
}

/* Takes handle and outPublic from what follows a response's header. */
MUST_CHECK static bool take_created(struct reader *r, uint32_t *handle, struct reader *out_public)
{
    uint32_t parameters_size;
    uint16_t public_size;

    return reader_be32(r, handle) && reader_be32(r, &parameters_size) &&
           reader_be16(r, &public_size) && reader_split(r, out_public, public_size);
}

/* Has the TPM make the key of one kind, and takes it to its place in *keys. */
MUST_CHECK static uint32_t create(struct engine *engine, enum ek_kind kind, struct ek_keys *keys)
{
    uint8_t command[TPM_HEADER_SIZE + EK_PUBLIC_MAX + 64];
    uint8_t response[TPM_RESPONSE_MAX];
    struct writer w = writer_over(command, sizeof(command));
    struct reader created;
    struct reader out_public;
    uint32_t code;
    uint32_t handle;

    if (!put_create_primary(&w, kind))
        return TPM_RC_FAILURE;
    code = library_run(engine, &w, response, &created);
    if (code != TPM_RC_SUCCESS)
        return code;
    if (!take_created(&created, &handle, &out_public))
        return TPM_RC_FAILURE;
    flush_object(engine, handle);
    return ek_public_read(out_public.next, out_public.left, kind, keys) ? TPM_RC_SUCCESS
                                                                        : TPM_RC_FAILURE;
}

/* On a copy */

MUST_CHECK static uint32_t start_up(struct engine *engine)
{
    uint8_t command[TPM_HEADER_SIZE + 2];
    struct writer w = writer_over(command, sizeof(command));

    return command_begin(&w, TPM_ST_NO_SESSIONS, TPM_CC_Startup) && writer_be16(&w, TPM_SU_CLEAR)
               ? own_do(engine, &w)
               : TPM_RC_FAILURE;
}

/* The platform may always clear, once it has said so. That leaves the endorsement seed as it is,
 * and empties the hierarchy's password. */
MUST_CHECK static uint32_t clear(struct engine *engine)
{
    uint8_t command[TPM_HEADER_SIZE + 32];
    struct writer w = writer_over(command, sizeof(command));
    uint32_t code = TPM_RC_FAILURE;

    if (command_begin(&w, TPM_ST_SESSIONS, TPM_CC_ClearControl) &&
        writer_be32(&w, TPM_RH_PLATFORM) && command_empty_password(&w) && writer_u8(&w, 0))
        code = own_do(engine, &w);
    w = writer_over(command, sizeof(command));
    if (code == TPM_RC_SUCCESS)
        code = command_begin(&w, TPM_ST_SESSIONS, TPM_CC_Clear) &&
                       writer_be32(&w, TPM_RH_PLATFORM) && command_empty_password(&w)
                   ? own_do(engine, &w)
                   : TPM_RC_FAILURE;
    return code;
}

MUST_CHECK static bool read_versions(struct engine *engine, struct ek_keys *keys)
{
    uint32_t manufacturer, firmware;

    if (!own_property(engine, TPM_PT_MANUFACTURER, &manufacturer) ||
        !own_property(engine, TPM_PT_FIRMWARE_VERSION_1, &firmware))
        return false;
    put_be32(keys->manufacturer, manufacturer);
    put_be32(keys->firmware, firmware);
    return true;
}

MUST_CHECK static uint32_t create_all(struct engine *engine, struct ek_keys *keys)
{
    uint32_t code = start_up(engine);

    if (code == TPM_RC_SUCCESS)
        code = clear(engine);
    for (enum ek_kind kind = 0; kind < EK_KINDS && code == TPM_RC_SUCCESS; kind++)
        code = create(engine, kind, keys);
    return code == TPM_RC_SUCCESS && !read_versions(engine, keys) ? TPM_RC_FAILURE : code;
}

void ek_make(struct engine *engine)
{
    uint32_t code = TPM_RC_FAILURE;

    engine->trial = true;
    if (library_start(engine)) {
        code = create_all(engine, &engine->ek.keys);
        library_terminate();
    }
    engine->trial = false;
    engine->ek.known = code == TPM_RC_SUCCESS;
    if (engine->ek.known)
        ek_save(engine);
    else
        log_warning("the TPM's endorsement keys could not be made: response code 0x%x",
                    (unsigned)code);
}

/* On the volume */

bool ek_load(struct engine *engine)
{
    uint8_t *bytes;
    size_t size;
    bool loaded;

    engine->ek.known = false;
    if (state_read_ek(&engine->state, &bytes, &size) != VOLUME_OK)
        return false;
    loaded = ek_record_read(bytes, size, &engine->ek);
    OPENSSL_clear_free(bytes, size);
    return loaded;
}

void ek_save(struct engine *engine)
{
    uint8_t bytes[EK_RECORD_MAX];
    size_t size = ek_record_write(&engine->ek, bytes);

    state_put_ek(&engine->state, bytes, size);
}

void ek_forget(struct engine *engine)
{
    engine->ek = (struct ek_record){0};
    engine->ek_created = 0;
    state_put_ek(&engine->state, NULL, 0);
}

uint32_t ek_public(struct engine *engine, enum ek_kind kind, struct writer *w)
{
    unsigned int bit = 1u << kind;
    uint32_t code = TPM_RC_SUCCESS;

    if (!engine->ek.known && !(engine->ek_created & bit)) {
        code = engine->powered ? create(engine, kind, &engine->ek.keys) : TPM_RC_INITIALIZE;
        engine->ek_created |= code == TPM_RC_SUCCESS ? bit : 0;
    }
    if (code == TPM_RC_SUCCESS && !ek_public_write(w, kind, &engine->ek.keys))
        code = TPM_RC_FAILURE;
    return code;
}

uint32_t ek_public_sized(struct engine *engine, enum ek_kind kind, struct writer *w)
{
    uint8_t *size;
    uint32_t code;
    size_t start;

    if (!writer_reserve(w, &size, 2))
        return TPM_RC_FAILURE;
    start = w->used;
    code = ek_public(engine, kind, w);
    put_be16(size, (uint16_t)(w->used - start));
    return code;
}
