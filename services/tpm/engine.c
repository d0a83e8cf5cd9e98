/* SPDX-License-Identifier: MIT */
#include "services/tpm/engine.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/log.h"
#include "services/tpm/command.h"
#include "services/tpm/library.h"
#include "services/tpm/upkeep.h"

bool engine_power_cycle(struct engine *engine)
{
    engine_power_off(engine);
    engine->failed = false;
    engine->powered = library_start(engine);
    if (!engine->powered)
        log_error("the TPM does not start from its state");
    return engine->powered;
}

void engine_power_off(struct engine *engine)
{
    if (engine->powered)
        library_terminate();
    engine->powered = false;
    engine->started = false;
}

void engine_shut_down(struct engine *engine)
{
    upkeep_shut_down(engine);
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
    default:
        return volume_was_changed(status) ? ENGINE_DAMAGED : ENGINE_FAILED;
    }
}

enum engine_opening engine_open(struct engine *engine, const struct volume_storage *storage,
                                const uint8_t key[VOLUME_KEY_SIZE])
{
    enum volume_status status;
    enum engine_opening opening;

    memset(engine, 0, sizeof(*engine));
    library_log_version();
    status = state_open(&engine->state, storage, key);
    opening = opening_of(status);
    switch (opening) {
    case ENGINE_OPENED:
        log_info("the state volume %s: TPM state number %llu", volume_status_text(status),
                 (unsigned long long)engine->state.volume.current.superblock.counter);
        break;
    case ENGINE_MANUFACTURED:
        log_info("the state volume %s: manufacturing a TPM", volume_status_text(status));
        break;
    case ENGINE_EPHEMERAL:
        log_warning("the state volume %s: starting an ephemeral TPM, the volume is left untouched",
                    volume_status_text(status));
        break;
    default:
        log_error("the state volume %s", volume_status_text(status));
        return opening;
    }
    if (engine_power_cycle(engine))
        return opening;
    return opening == ENGINE_OPENED ? library_refusal(engine) : ENGINE_FAILED;
}

enum engine_opening engine_try_state(const uint8_t *bytes, size_t size)
{
    struct engine engine = {.state.ephemeral = true};
    enum engine_opening opening = ENGINE_OPENED;

    engine.state.blob = (struct state_blob){.bytes = OPENSSL_memdup(bytes, size), .size = size};
    if (!engine.state.blob.bytes)
        opening = ENGINE_FAILED;
    else if (!engine_power_cycle(&engine))
        opening = library_refusal(&engine);
    engine_close(&engine);
    return opening;
}

bool engine_is_open(enum engine_opening opening)
{
    return opening <= ENGINE_EPHEMERAL;
}

/* The code for what must not reach libtpms, TPM_RC_SUCCESS for what may. */
static uint32_t check_command(struct engine *engine, uint8_t locality, const uint8_t *command,
                              size_t size)
{
    if (!engine->powered)
        return TPM_RC_INITIALIZE;
    if (engine->failed)
        return TPM_RC_FAILURE;
    if (size < TPM_HEADER_SIZE || size > TPM_COMMAND_MAX)
        return TPM_RC_COMMAND_SIZE;
    if (locality > TPM_LOCALITY_MAX)
        return TPM_RC_LOCALITY;
    return upkeep_refuses(engine, command, size);
}

size_t engine_execute(struct engine *engine, uint8_t locality, const uint8_t *command, size_t size,
                      uint8_t response[TPM_RESPONSE_MAX])
{
    uint32_t refusal = check_command(engine, locality, command, size);
    size_t response_size;

    if (refusal != TPM_RC_SUCCESS)
        return command_refusal(response, refusal);
    if (get_be32(command + 6) == TPM_CC_ChangeEPS)
        engine->ek_public_size = 0;

    response_size = library_process(engine, locality, command, size, response);
    if (!engine->failed)
        upkeep_after(engine, command, size, get_be32(response + 6));
    return engine->failed ? command_refusal(response, TPM_RC_FAILURE) : response_size;
}

void engine_close(struct engine *engine)
{
    engine_power_off(engine);
    free(engine->response);
    state_close(&engine->state);
    OPENSSL_cleanse(engine, sizeof(*engine));
}
