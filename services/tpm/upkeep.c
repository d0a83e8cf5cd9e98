/* SPDX-License-Identifier: MIT */
#include "services/tpm/upkeep.h"

#include <time.h>

#include "services/common/log.h"
#include "services/tpm/command.h"
#include "services/tpm/ek_certificates.h"
#include "services/tpm/library.h"
#include "services/tpm/nv_index.h"
#include "services/tpm/own.h"
#include "services/tpm/volume_manifest.h"

/* How long the clock may advance before engine_execute() looks whether libtpms has a new one to
 * store. */
#define CLOCK_CHECK_MS 1000

uint64_t upkeep_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/*
 * libtpms adds a persistent object where its marshalled form fits, but loads a state only where
 * there is room for its largest form. It knows how many of those still fit; with none left, adding
 * one would make the state unloadable.
 */
MUST_CHECK static bool persistent_space_is_used_up(struct engine *engine, struct reader handles)
{
    uint32_t authority;
    uint32_t object;
    uint32_t available;

    return reader_be32(&handles, &authority) && reader_be32(&handles, &object) &&
           object >> 24 != TPM_HT_PERSISTENT /* that would remove one */ &&
           own_property(engine, TPM_PT_HR_PERSISTENT_AVAIL, &available) && available == 0;
}

uint32_t upkeep_refuses(struct engine *engine, const uint8_t *command, size_t size)
{
    struct reader rest = reader_over(command + TPM_HEADER_SIZE, size - TPM_HEADER_SIZE);
    uint16_t type;

    switch (get_be32(command + 6)) {
    case TPM_CC_Startup:
        /* From what another boot saved, its PCRs would come back without its software. */
        if (!engine->started && !engine->resumable && reader_be16(&rest, &type) &&
            type == TPM_SU_STATE)
            return TPM_RC_VALUE_P1;
        break;
    case TPM_CC_ChangeEPS:
        /* The KBS's record names the endorsement key; with another one it confirms no state. */
        if (engine->state.leased)
            return TPM_RC_DISABLED;
        break;
    case TPM_CC_EvictControl:
        if (persistent_space_is_used_up(engine, rest))
            return TPM_RC_NV_SPACE;
        break;
    default:
        break;
    }
    return TPM_RC_SUCCESS;
}

/* TPMS_TIME_INFO, part 2, 10.11.6; safe: the TPM never showed a later time than this. */
MUST_CHECK static bool read_clock(struct engine *engine, uint64_t *clock, bool *safe)
{
    uint8_t command[TPM_HEADER_SIZE];
    uint8_t response[TPM_RESPONSE_MAX];
    struct writer w = writer_over(command, sizeof(command));
    struct reader reply;
    uint8_t flag;

    if (!command_begin(&w, TPM_ST_NO_SESSIONS, TPM_CC_ReadClock) ||
        library_run(engine, &w, response, &reply) != TPM_RC_SUCCESS || !reader_skip(&reply, 8) ||
        !reader_be64(&reply, clock) || !reader_skip(&reply, 4 + 4) || !reader_u8(&reply, &flag))
        return false;
    *safe = flag != 0;
    return true;
}

/* As the platform, whose authorization is empty after each TPM2_Startup(CLEAR). */
MUST_CHECK static bool set_clock(struct engine *engine, uint64_t clock)
{
    uint8_t command[TPM_HEADER_SIZE + 32];
    uint8_t response[TPM_RESPONSE_MAX];
    struct writer w = writer_over(command, sizeof(command));
    struct reader reply;

    return command_begin(&w, TPM_ST_SESSIONS, TPM_CC_ClockSet) &&
           writer_be32(&w, TPM_RH_PLATFORM) && command_empty_password(&w) &&
           writer_be64(&w, clock) && library_run(engine, &w, response, &reply) == TPM_RC_SUCCESS;
}

static void store_clock(struct engine *engine)
{
    engine->clock_checked = upkeep_clock();
    (void)!library_store_changes(engine); /* engine->failed says it */
}

/*
 * After a hard end the clock that was stored is behind the one that was shown last by two update
 * intervals at most: one in which libtpms keeps it to itself, less than another until the next
 * check. Setting it ahead by both makes sure that no time comes twice.
 */
static void advance_clock(struct engine *engine)
{
    uint64_t clock;
    uint32_t interval;
    bool safe;

    if (!read_clock(engine, &clock, &safe) ||
        (!safe && (!own_property(engine, TPM_PT_CLOCK_UPDATE, &interval) ||
                   !set_clock(engine, clock + 2 * (uint64_t)interval))))
        log_warning("the TPM's clock could not be set ahead after a hard end: it may show times "
                    "that it showed before");
    store_clock(engine);
}

void upkeep_after(struct engine *engine, const uint8_t *command, size_t size, uint32_t code)
{
    struct reader parameters = reader_over(command + TPM_HEADER_SIZE, size - TPM_HEADER_SIZE);
    bool done = code == TPM_RC_SUCCESS;
    uint16_t type;

    engine->shut_down = false;
    switch (get_be32(command + 6)) {
    case TPM_CC_Startup:
        if (done) {
            advance_clock(engine);
            ek_certificates_install(engine);
            volume_manifest_install(engine);
        }
        engine->started |= done;
        return;
    case TPM_CC_Shutdown:
        engine->shut_down = done;
        if (done && reader_be16(&parameters, &type))
            engine->resumable = type == TPM_SU_STATE;
        return;
    case TPM_CC_ClockSet:
        if (done)
            store_clock(engine);
        return;
    default:
        if (upkeep_clock() - engine->clock_checked >= CLOCK_CHECK_MS)
            store_clock(engine);
        return;
    }
}

bool upkeep_writes_data(struct engine *engine, const uint8_t *command, size_t size)
{
    struct reader handles = reader_over(command + TPM_HEADER_SIZE, size - TPM_HEADER_SIZE);
    uint32_t authority, index, attributes;

    return get_be32(command + 6) == TPM_CC_NV_Write && reader_be32(&handles, &authority) &&
           reader_be32(&handles, &index) && nv_index_attributes(engine, index, &attributes) &&
           (attributes & TPMA_NV_TPM_NT) == 0;
}

void upkeep_shut_down(struct engine *engine)
{
    uint8_t command[TPM_HEADER_SIZE + 2];
    uint8_t response[TPM_RESPONSE_MAX];
    struct writer w = writer_over(command, sizeof(command));
    struct reader reply;
    uint32_t code;

    if (!engine->started || engine->failed || engine->shut_down ||
        !command_begin(&w, TPM_ST_NO_SESSIONS, TPM_CC_Shutdown) || !writer_be16(&w, TPM_SU_CLEAR))
        return;
    code = library_run(engine, &w, response, &reply);
    engine->shut_down = code == TPM_RC_SUCCESS;
    if (code != TPM_RC_SUCCESS)
        log_warning("the TPM does not shut down (0x%x): this counts as a hard end", (unsigned)code);
}
