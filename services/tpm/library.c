/* SPDX-License-Identifier: MIT */
#include "services/tpm/library.h"

#include <assert.h>
#include <libtpms/tpm_error.h>
#include <libtpms/tpm_library.h>
#include <libtpms/tpm_nvfilename.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/log.h"
#include "services/tpm/command.h"

/*
 * Where libtpms logs to. When a command leads it to failure mode it prints that command whole, and
 * the passwords in it; and a console is read by the host. So this must be no open descriptor.
 */
#define NO_DESCRIPTOR INT_MAX

/* The first version whose TPMs have a profile; what older ones lack is in docs/tpm.md. */
#define VERSION_WITH_PROFILES 0x000a00

/* All that libtpms 0.10 can do. A TPM keeps the profile that it was manufactured with. */
#define PROFILE "{\"Name\":\"default-v1\"}"

/* libtpms calls back without a context, so the one engine must be found from here. */
static struct engine *callback_engine;

void library_log_version(void)
{
    uint32_t version = TPMLIB_GetVersion();
    unsigned major = version >> 16, minor = version >> 8 & 0xff, micro = version & 0xff;

    if (version >= VERSION_WITH_PROFILES)
        log_info("libtpms %u.%u.%u" LIBTPMS_PACKAGE, major, minor, micro);
    else
        log_warning("libtpms %u.%u.%u" LIBTPMS_PACKAGE
                    " is old: PolicyNV compares negative numbers wrongly and RSA is not blinded "
                    "(docs/tpm.md)",
                    major, minor, micro);
}

/*
 * Only the permanent state is ever loaded or stored: with its volatile state libtpms would go on
 * where it was. What TPM2_Shutdown(STATE) saves, PCRs too, is part of the permanent state; that no
 * later boot resumes from it is up to upkeep_refuses().
 */
static bool is_permanent(const char *name)
{
    return strcmp(name, TPM_PERMANENT_ALL_NAME) == 0;
}

/* The copy is libtpms' to free(). TPM_Malloc() would refuse more than 128 KiB, which a state may
 * have. */
static TPM_RESULT load_state(unsigned char **data, uint32_t *length, uint32_t tpm_number,
                             const char *name)
{
    const struct state_blob *blob = callback_engine->candidate.bytes ? &callback_engine->candidate
                                                                     : &callback_engine->state.blob;

    (void)tpm_number;
    if (!is_permanent(name) || !blob->bytes)
        return TPM_RETRY;                          /* libtpms' word for "there is none" */
    if (blob->size == 0 || blob->size > INT32_MAX) /* libtpms counts in an INT32 */
        return TPM_SIZE;
    *data = malloc(blob->size);
    if (!*data)
        return TPM_FAIL;
    memcpy(*data, blob->bytes, blob->size);
    *length = (uint32_t)blob->size;
    return TPM_SUCCESS;
}

/*
 * Has libtpms load a state that it is about to have stored. That replaces its NV memory by what the
 * next start would find there, so after a success the TPM runs on with the same contents; after a
 * failure it must not go on.
 *
 * Whether a state loads is a matter of its structure: which indices and objects of which sizes
 * there are. As long as the size stays, what changes is their contents, counters and flags, and the
 * check, which takes milliseconds, is left out.
 */
MUST_CHECK static TPM_RESULT try_loading(struct engine *engine, const uint8_t *bytes, size_t size)
{
    TPM_RESULT result;

    if (size == engine->loadable_size)
        return TPM_SUCCESS;
    engine->candidate = (struct state_blob){.bytes = (uint8_t *)bytes, .size = size};
    result = TPMLIB_ValidateState(TPMLIB_STATE_PERMANENT, 0);
    engine->candidate = (struct state_blob){0};
    if (result == TPM_SUCCESS)
        engine->loadable_size = size;
    return result;
}

/* Makes a state durable, if it could be loaded again; otherwise only the next start helps. */
MUST_CHECK static bool keep(struct engine *engine, const uint8_t *bytes, size_t size)
{
    enum volume_status status;
    TPM_RESULT result;

    engine->failed = true; /* for the case, too, that libtpms leaves the check by longjmp() */
    result = try_loading(engine, bytes, size);
    if (result != TPM_SUCCESS) {
        log_error("the TPM's state is not saved: libtpms could not load it again (0x%x); the TPM "
                  "fails until the "
                  "next start, from the state before",
                  (unsigned)result);
        return false;
    }
    status = state_store(&engine->state, bytes, size);
    if (status != VOLUME_OK) {
        log_error("the TPM's state is not saved: the state volume %s; the TPM fails until the next "
                  "start",
                  volume_status_text(status));
        return false;
    }
    engine->failed = false;
    return true;
}

static TPM_RESULT store_state(const unsigned char *data, uint32_t length, uint32_t tpm_number,
                              const char *name)
{
    (void)tpm_number;
    if (callback_engine->trial)
        return TPM_SUCCESS;
    callback_engine->stored = true;
    return is_permanent(name) && keep(callback_engine, data, length) ? TPM_SUCCESS : TPM_FAIL;
}

static TPM_RESULT delete_state(uint32_t tpm_number, const char *name, TPM_BOOL must_exist)
{
    (void)tpm_number;
    return is_permanent(name) || must_exist ? TPM_FAIL : TPM_SUCCESS;
}

static TPM_RESULT get_locality(TPM_MODIFIER_INDICATOR *locality, uint32_t tpm_number)
{
    (void)tpm_number;
    *locality = callback_engine->locality;
    return TPM_SUCCESS;
}

static TPM_RESULT get_physical_presence(TPM_BOOL *present, uint32_t tpm_number)
{
    (void)tpm_number;
    *present = FALSE; /* nobody can touch this machine */
    return TPM_SUCCESS;
}

MUST_CHECK static bool set_profile(void)
{
#ifdef HAVE_TPMLIB_SETPROFILE
    return TPMLIB_SetProfile(PROFILE) == TPM_SUCCESS;
#else
    return true;
#endif
}

/*
 * The largest command and response, which the guest reads as TPM_PT_MAX_COMMAND_SIZE and
 * TPM_PT_MAX_RESPONSE_SIZE. libtpms refuses a larger command before it executes it; the least that
 * it lets itself be set to is what its largest response needs.
 */
MUST_CHECK static bool set_buffer_size(void)
{
    return TPMLIB_SetBufferSize(TPM_RESPONSE_MAX, NULL, NULL) == TPM_RESPONSE_MAX;
}

MUST_CHECK static bool register_callbacks(struct engine *engine)
{
    struct libtpms_callbacks callbacks = {
        .sizeOfStruct = sizeof(callbacks),
        .tpm_nvram_loaddata = load_state,
        .tpm_nvram_storedata = store_state,
        .tpm_nvram_deletename = delete_state,
        .tpm_io_getlocality = get_locality,
        .tpm_io_getphysicalpresence = get_physical_presence,
    };

    callback_engine = engine;
    TPMLIB_SetDebugFD(NO_DESCRIPTOR);
    return TPMLIB_ChooseTPMVersion(TPMLIB_TPM_VERSION_2) == TPM_SUCCESS && set_buffer_size() &&
           TPMLIB_RegisterCallbacks(&callbacks) == TPM_SUCCESS && set_profile();
}

bool library_start(struct engine *engine)
{
    bool loading = engine->state.blob.bytes != NULL;

    if (register_callbacks(engine) && TPMLIB_MainInit() == TPM_SUCCESS && !engine->failed) {
        if (loading)
            engine->loadable_size = engine->state.blob.size;
        return true;
    }
    TPMLIB_Terminate();
    return false;
}

void library_terminate(void)
{
    TPMLIB_Terminate();
}

size_t library_process(struct engine *engine, uint8_t locality, const uint8_t *command, size_t size,
                       uint8_t response[TPM_RESPONSE_MAX])
{
    unsigned char copy[TPM_COMMAND_MAX];
    uint32_t response_size = 0;
    TPM_RESULT result;

    engine->locality = locality;
    memcpy(copy, command, size); /* libtpms decrypts parameters in place */
    result = TPMLIB_Process(&engine->response, &response_size, &engine->response_room, copy,
                            (uint32_t)size);
    OPENSSL_cleanse(copy, size);
    if (result != TPM_SUCCESS || engine->failed || response_size < TPM_HEADER_SIZE ||
        response_size > TPM_RESPONSE_MAX)
        response_size = (uint32_t)command_refusal(response, TPM_RC_FAILURE);
    else
        memcpy(response, engine->response, response_size);
    if (engine->response)
        OPENSSL_cleanse(engine->response, engine->response_room);
    return response_size;
}

uint32_t library_run(struct engine *engine, struct writer *command,
                     uint8_t response[TPM_RESPONSE_MAX], struct reader *reply)
{
    size_t size;
    uint32_t code;

    command_end(command);
    size = library_process(engine, 0, command->start, command->used, response);
    *reply = reader_over(response, size);
    return reader_skip(reply, 2 + 4) && reader_be32(reply, &code) ? code : TPM_RC_FAILURE;
}

enum engine_opening library_refusal(struct engine *engine)
{
    uint32_t version = TPMLIB_GetVersion();
    TPM_RESULT result =
        engine->failed ? TPM_SUCCESS : TPMLIB_ValidateState(TPMLIB_STATE_PERMANENT, 0);

    switch (result) {
    case TPM_SUCCESS:
        return ENGINE_FAILED;
    case TPM_BAD_VERSION: /* of a part of the state */
    case TPM_RC_VALUE:    /* a profile that is not known */
        log_error("a newer libtpms wrote the TPM's state: this one, %u.%u.%u, cannot load it; "
                  "nothing was changed",
                  version >> 16, version >> 8 & 0xff, version & 0xff);
        return ENGINE_TOO_NEW;
    default:
        log_error("libtpms %u.%u.%u refuses the TPM's state (0x%x), though the volume is intact; "
                  "nothing was changed",
                  version >> 16, version >> 8 & 0xff, version & 0xff, (unsigned)result);
        return ENGINE_REFUSED;
    }
}

bool library_store_changes(struct engine *engine)
{
    const struct state_blob *kept = &engine->state.blob;
    unsigned char *bytes = NULL;
    uint32_t size = 0;
    bool stored;

    if (TPMLIB_GetState(TPMLIB_STATE_PERMANENT, &bytes, &size) != TPM_SUCCESS) {
        log_error("libtpms does not give the TPM's state; the TPM fails until the next start");
        engine->failed = true;
        return false;
    }
    stored =
        (size == kept->size && memcmp(bytes, kept->bytes, size) == 0) || keep(engine, bytes, size);
    OPENSSL_cleanse(bytes, size);
    free(bytes);
    return stored;
}
