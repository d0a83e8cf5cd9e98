/* SPDX-License-Identifier: MIT */
#include "services/tpm/engine.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/log.h"
#include "services/tpm/banks.h"
#include "services/tpm/command.h"
#include "services/tpm/ek.h"
#include "services/tpm/library.h"
#include "services/tpm/upkeep.h"
#include "services/tpm/volume_manifest.h"

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
    case VOLUME_ROLLED_BACK:
    case VOLUME_AHEAD:
    case VOLUME_FORKED:
    case VOLUME_ERASED:
        return ENGINE_NOT_COMMITTED;
    default:
        return volume_was_changed(status) ? ENGINE_DAMAGED : ENGINE_FAILED;
    }
}

/* Sees to it that the endorsement keys are known, which takes no longer than reading them but for
 * the first time. Without them there is a TPM all the same. */
MUST_CHECK static bool know_ek(struct engine *engine)
{
    if (ek_load(engine))
        return true;
    engine_power_off(engine);
    ek_make(engine);
    return engine_power_cycle(engine);
}

/* Says what was found, and powers the TPM on from it. */
static enum engine_opening power_on(struct engine *engine, enum volume_status status)
{
    enum engine_opening opening = opening_of(status);

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
        return know_ek(engine) ? opening : ENGINE_FAILED;
    return opening == ENGINE_OPENED ? library_refusal(engine) : ENGINE_FAILED;
}

enum engine_opening engine_open(struct engine *engine, const struct volume_storage *storage,
                                const uint8_t key[VOLUME_KEY_SIZE])
{
    memset(engine, 0, sizeof(*engine));
    library_log_version();
    return power_on(engine, state_open(&engine->state, storage, key));
}

/* What the KBS's record permits beyond opening the state that is committed; logged. */
static bool is_permitted(enum volume_status status, uint64_t flags)
{
    if (status == VOLUME_BLANK && !(flags & STATE_GRANT_MANUFACTURE)) {
        log_error("the state volume has no TPM, and by the KBS's record it must not get a new one; "
                  "put the right volume back, or have the owner accept this one");
        return false;
    }
    if (status == VOLUME_OK && !(flags & (STATE_GRANT_COMMITTED | STATE_GRANT_ADOPT))) {
        log_error("the state volume has a state, of which the KBS's record knows nothing; have the "
                  "owner permit to adopt it, or give the VM a blank volume");
        return false;
    }
    if (status == VOLUME_WRONG_KEY && !(flags & STATE_GRANT_EPHEMERAL)) {
        log_error("the state volume does not open with %s, and by the KBS's record the VM does "
                  "not start without it",
                  flags & STATE_GRANT_REKEY ? "either of its keys" : "this key");
        return false;
    }
    return true;
}

/* Has the first state of the boot written. */
static enum engine_opening begin(struct engine *engine, enum engine_opening opening)
{
    bool rekeys = engine->state.rekeys;
    enum volume_status status = state_begin(&engine->state);

    if (status != VOLUME_OK) {
        log_error("the first state of this boot is not saved: the state volume %s",
                  volume_status_text(status));
        return ENGINE_FAILED;
    }
    if (rekeys)
        log_info("the state volume has a new state under its new key; the older key opens the "
                 "state before, until the KBS confirms the new one");
    return opening;
}

enum engine_opening engine_open_leased(struct engine *engine, const struct volume_storage *storage,
                                       const struct state_grant *grant)
{
    enum volume_status status;
    enum engine_opening opening;

    memset(engine, 0, sizeof(*engine));
    library_log_version();
    status = state_open_leased(&engine->state, storage, grant);
    /* A power cut before the very first CONFIRM: no guest has seen this TPM. */
    if (status == VOLUME_OK && !(grant->flags & (STATE_GRANT_COMMITTED | STATE_GRANT_ADOPT)) &&
        grant->flags & STATE_GRANT_MANUFACTURE && state_drop_unconfirmed(&engine->state))
        status = VOLUME_BLANK;
    if (!is_permitted(status, grant->flags))
        return ENGINE_NOT_COMMITTED;
    opening = power_on(engine, status);
    if (!engine_is_open(opening) || opening == ENGINE_EPHEMERAL)
        return opening;
    volume_manifest_take(engine, grant);
    return begin(engine, opening);
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

/* TPM2_ChangeEPS: the endorsement keys go with their seed, unless that stays. */
static size_t change_seed(struct engine *engine, uint8_t locality, const uint8_t *command,
                          size_t size, uint8_t response[TPM_RESPONSE_MAX])
{
    struct ek_record before = engine->ek;
    size_t response_size;

    ek_forget(engine);
    response_size = library_process(engine, locality, command, size, response);
    if (before.known && get_be32(response + 6) != TPM_RC_SUCCESS) {
        engine->ek = before;
        ek_save(engine);
    }
    return response_size;
}

/* libtpms executes it, and what that leaves to do is done. */
static size_t execute(struct engine *engine, uint8_t locality, const uint8_t *command, size_t size,
                      uint8_t response[TPM_RESPONSE_MAX])
{
    size_t response_size = get_be32(command + 6) == TPM_CC_ChangeEPS
                               ? change_seed(engine, locality, command, size, response)
                               : library_process(engine, locality, command, size, response);

    if (!engine->failed)
        upkeep_after(engine, command, size, get_be32(response + 6));
    return response_size;
}

/*
 * The TPM2_Startup that was just done is done once more if the TPM had other PCR banks than the
 * launch image asks for. Returns the size of the last response.
 */
static size_t start_with_banks(struct engine *engine, uint8_t locality, const uint8_t *command,
                               size_t size, uint8_t response[TPM_RESPONSE_MAX],
                               size_t response_size)
{
    enum banks_outcome outcome = banks_apply(engine);

    if (outcome == BANKS_ALLOCATED) {
        log_info("the TPM gets the PCR banks that the launch image asks for");
        engine_shut_down(engine);
        if (!engine->failed && engine_power_cycle(engine)) {
            response_size = execute(engine, locality, command, size, response);
            outcome = engine->started ? banks_apply(engine) : BANKS_FAILED;
        }
    }
    engine->failed |= outcome != BANKS_AS_WANTED;
    return response_size;
}

size_t engine_execute(struct engine *engine, uint8_t locality, const uint8_t *command, size_t size,
                      uint8_t response[TPM_RESPONSE_MAX])
{
    uint32_t refusal = check_command(engine, locality, command, size);
    bool was_started = engine->started;
    size_t response_size;

    if (refusal != TPM_RC_SUCCESS)
        return command_refusal(response, refusal);
    engine->stored = false;
    response_size = execute(engine, locality, command, size, response);
    if (!was_started && engine->started && !engine->failed)
        response_size = start_with_banks(engine, locality, command, size, response, response_size);
    return engine->failed ? command_refusal(response, TPM_RC_FAILURE) : response_size;
}

void engine_close(struct engine *engine)
{
    engine_power_off(engine);
    free(engine->response);
    state_close(&engine->state);
    OPENSSL_cleanse(engine, sizeof(*engine));
}
