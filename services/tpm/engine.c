/* SPDX-License-Identifier: MIT */
#include "services/tpm/engine.h"

#include <libtpms/tpm_error.h>
#include <libtpms/tpm_library.h>
#include <libtpms/tpm_memory.h>
#include <libtpms/tpm_nvfilename.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/writer.h"
#include "services/common/log.h"

/*
 * Where libtpms logs to. When a command leads it to failure mode it prints that command whole, and
 * the passwords in it; and a console is read by the host. So this must be no open descriptor.
 */
#define NO_DESCRIPTOR INT_MAX

/* libtpms calls back without a context, so the one engine must be found from here. */
static struct engine *callback_engine;

/*
 * Only the permanent state is ever loaded or stored. Loading a volatile state would resume a
 * running TPM, with the PCRs of a boot that is over: every start is a power-on instead.
 */
static bool is_permanent(const char *name)
{
    return strcmp(name, TPM_PERMANENT_ALL_NAME) == 0;
}

static TPM_RESULT load_state(unsigned char **data, uint32_t *length, uint32_t tpm_number,
                             const char *name)
{
    const struct tpm_state *state = &callback_engine->state;

    (void)tpm_number;
    if (!is_permanent(name) || state->blob == NULL)
        return TPM_RETRY; /* libtpms' word for "there is none" */
    if (TPM_Malloc(data, (uint32_t)state->size) != TPM_SUCCESS)
        return TPM_FAIL;
    memcpy(*data, state->blob, state->size);
    *length = (uint32_t)state->size;
    return TPM_SUCCESS;
}

static TPM_RESULT store_state(const unsigned char *data, uint32_t length, uint32_t tpm_number,
                              const char *name)
{
    enum volume_status status;

    (void)tpm_number;
    if (!is_permanent(name))
        return TPM_FAIL;
    status = state_store(&callback_engine->state, data, length);
    if (status == VOLUME_OK)
        return TPM_SUCCESS;
    log_error("the TPM's state is not saved: the state volume %s; the TPM fails until the next "
              "start",
              volume_status_text(status));
    callback_engine->failed = true;
    return TPM_FAIL;
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

static bool register_callbacks(struct engine *engine)
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
    return TPMLIB_ChooseTPMVersion(TPMLIB_TPM_VERSION_2) == TPM_SUCCESS &&
           TPMLIB_RegisterCallbacks(&callbacks) == TPM_SUCCESS;
}

bool engine_power_cycle(struct engine *engine)
{
    engine_power_off(engine);
    engine->failed = false;
    if (!register_callbacks(engine) || TPMLIB_MainInit() != TPM_SUCCESS || engine->failed) {
        log_error("the TPM does not start from its state");
        TPMLIB_Terminate();
        return false;
    }
    engine->powered = true;
    return true;
}

void engine_power_off(struct engine *engine)
{
    if (engine->powered)
        TPMLIB_Terminate();
    engine->powered = false;
}

static enum engine_opening opening_of(enum volume_status status)
{
    switch (status) {
    case VOLUME_OK:
        return ENGINE_OPENED;
    case VOLUME_BLANK:
        return ENGINE_MANUFACTURED;
    case VOLUME_WRONG_KEY:
        return ENGINE_EPHEMERAL;
    case VOLUME_DAMAGED:
        return ENGINE_DAMAGED;
    default:
        return ENGINE_FAILED;
    }
}

enum engine_opening engine_open(struct engine *engine, const struct volume_storage *storage,
                                const uint8_t key[VOLUME_KEY_SIZE])
{
    enum volume_status status;
    enum engine_opening opening;

    memset(engine, 0, sizeof(*engine));
    status = state_open(&engine->state, storage, key);
    opening = opening_of(status);
    switch (opening) {
    case ENGINE_FAILED:
    case ENGINE_DAMAGED:
        log_error("the state volume %s", volume_status_text(status));
        return opening;
    case ENGINE_EPHEMERAL:
        log_warning("the state volume %s: starting an ephemeral TPM, the volume is left untouched",
                    volume_status_text(status));
        break;
    case ENGINE_MANUFACTURED:
        log_info("the state volume %s: manufacturing a TPM", volume_status_text(status));
        break;
    case ENGINE_OPENED:
        log_info("the state volume %s: TPM state number %llu", volume_status_text(status),
                 (unsigned long long)engine->state.volume.current.counter);
        break;
    }
    if (engine_power_cycle(engine))
        return opening;
    /* libtpms refused an authentic state: not the device's failure. */
    return opening == ENGINE_OPENED ? ENGINE_DAMAGED : ENGINE_FAILED;
}

/* The response that carries nothing but a code. */
static size_t respond_code(uint8_t response[TPM_RESPONSE_MAX], uint32_t code)
{
    put_be16(response, TPM_ST_NO_SESSIONS);
    put_be32(response + 2, TPM_HEADER_SIZE);
    put_be32(response + 6, code);
    return TPM_HEADER_SIZE;
}

/* The code for what must not reach libtpms, TPM_RC_SUCCESS for what may. */
static uint32_t check_command(const struct engine *engine, uint8_t locality, size_t size)
{
    if (!engine->powered)
        return TPM_RC_INITIALIZE;
    if (engine->failed)
        return TPM_RC_FAILURE;
    if (size < TPM_HEADER_SIZE || size > TPM_COMMAND_MAX)
        return TPM_RC_COMMAND_SIZE;
    if (locality > TPM_LOCALITY_MAX)
        return TPM_RC_LOCALITY;
    return TPM_RC_SUCCESS;
}

size_t engine_execute(struct engine *engine, uint8_t locality, const uint8_t *command, size_t size,
                      uint8_t response[TPM_RESPONSE_MAX])
{
    const uint32_t refusal = check_command(engine, locality, size);
    unsigned char copy[TPM_COMMAND_MAX];
    uint32_t response_size = 0;
    TPM_RESULT result;

    if (refusal != TPM_RC_SUCCESS)
        return respond_code(response, refusal);
    if (get_be32(command + 6) == TPM_CC_ChangeEPS)
        engine->ek_public_size = 0;

    engine->locality = locality;
    memcpy(copy, command, size); /* libtpms decrypts parameters in place */
    result = TPMLIB_Process(&engine->response, &response_size, &engine->response_room, copy,
                            (uint32_t)size);
    OPENSSL_cleanse(copy, size);
    if (result != TPM_SUCCESS || engine->failed || response_size < TPM_HEADER_SIZE ||
        response_size > TPM_RESPONSE_MAX)
        response_size = (uint32_t)respond_code(response, TPM_RC_FAILURE);
    else
        memcpy(response, engine->response, response_size);
    if (engine->response != NULL)
        OPENSSL_cleanse(engine->response, engine->response_room);
    return response_size;
}

void engine_close(struct engine *engine)
{
    engine_power_off(engine);
    free(engine->response);
    state_close(&engine->state);
    OPENSSL_cleanse(engine, sizeof(*engine));
}
