/* SPDX-License-Identifier: MIT */
#include "services/tpm/leased.h"

#include <openssl/crypto.h>
#include <string.h>

#include "lib/abi/attest_service.h"
#include "services/common/log.h"
#include "services/tpm/command.h"
#include "services/tpm/ek_certificates.h"
#include "services/tpm/upkeep.h"

/*
 * The lease is renewed when a third of its time has passed, and at least so often: that is also
 * when a VM learns that another one took over.
 */
#define RENEW_SECONDS_MAX   20
#define RENEW_PART          3
#define RENEW_AGAIN_MS      5000  /* after no answer */
#define TRIES               3     /* to get an answer */
#define RESPONSE_KEPT_MS    10000 /* for a caller that does not come back */
#define MINOR_MAX           64    /* changes that need not be anchored, until one has to be */
#define MINOR_MS            10000 /* that the first of them waits */
#define NEVER               UINT64_MAX
#define RENEW_AFTER_MS(ttl) (UINT64_C(1000) * (ttl) / RENEW_PART)

static enum leased_mode mode_of(uint64_t flags)
{
    if (flags & STATE_GRANT_ANCHOR_ALL)
        return LEASED_ANCHORS_ALL;
    return flags & STATE_GRANT_ANCHOR_MAJOR ? LEASED_ANCHORS_MAJOR : LEASED_ANCHORS_NONE;
}

void leased_begin(struct leased *leased, const struct engine *engine, enum engine_opening opening,
                  uint64_t flags)
{
    const struct volume *volume = &engine->state.volume;

    *leased = (struct leased){
        .mode = mode_of(flags), .anchor_at = NEVER, .rekeys = flags & STATE_GRANT_REKEY};
    switch (opening) {
    case ENGINE_OPENED:
    case ENGINE_MANUFACTURED:
        leased->phase = LEASED_UNCONFIRMED;
        return;
    case ENGINE_EPHEMERAL:
    case ENGINE_NOT_COMMITTED:
    case ENGINE_DAMAGED:
        leased->phase = LEASED_REFUSED;
        leased->found_state = volume->has_highest;
        leased->found.counter = volume->highest.counter;
        memcpy(leased->found.root, volume->highest.root, sizeof(leased->found.root));
        return;
    default: /* it says nothing about which state is on the disk */
        return;
    }
}

/* The commands */

static void keep_command(struct leased *leased, enum leased_wait wait, uint8_t locality,
                         const uint8_t *command, size_t size)
{
    leased->wait = wait;
    leased->locality = locality;
    leased->command_size = size;
    leased->tries = 0;
    memcpy(leased->command, command, size);
}

static void forget_command(struct leased *leased)
{
    OPENSSL_cleanse(leased->command, leased->command_size);
    OPENSSL_cleanse(leased->response, leased->response_size);
    leased->wait = WAIT_NONE;
}

static void answer(struct leased *leased)
{
    leased->wait = WAIT_OVER;
    leased->answered_at = upkeep_clock();
}

static void refuse(struct leased *leased, uint32_t code)
{
    leased->response_size = command_refusal(leased->response, code);
    answer(leased);
}

/*
 * What a command changed. Minor is the time, and data of ordinary indices: what an owner of a
 * backup would expect to find as it was then. All else protects something from the host.
 */
enum change { CHANGE_NONE, CHANGE_MINOR, CHANGE_MAJOR };

static enum change change_of(struct engine *engine, const uint8_t *command, size_t size)
{
    if (!engine->state.changed)
        return CHANGE_NONE;
    return !engine->stored || upkeep_writes_data(engine, command, size) ? CHANGE_MINOR
                                                                        : CHANGE_MAJOR;
}

static bool has_to_be_anchored(struct leased *leased, enum change change)
{
    if (leased->mode == LEASED_ANCHORS_NONE)
        return false;
    if (change == CHANGE_MAJOR || leased->mode == LEASED_ANCHORS_ALL || leased->minor >= MINOR_MAX)
        return true;
    if (leased->minor++ == 0)
        leased->anchor_at = upkeep_clock() + MINOR_MS;
    return false;
}

/*
 * Makes durable what a command changed, as one state. What follows a state in doubt stays in memory
 * until that one is anchored, so that nothing is overwritten that the KBS may have committed.
 */
static enum leased_wait settle(struct leased *leased, struct engine *engine, const uint8_t *command,
                               size_t size)
{
    enum change change;
    enum volume_status status;

    if (leased->phase != LEASED_KEPT || leased->in_doubt)
        return WAIT_NONE;
    change = change_of(engine, command, size);
    if (change == CHANGE_NONE)
        return WAIT_NONE;
    status = state_settle(&engine->state);
    if (status != VOLUME_OK) {
        log_error("the TPM's state is not saved: the state volume %s; the TPM fails until the next "
                  "start",
                  volume_status_text(status));
        engine->failed = true;
        return WAIT_NONE;
    }
    return has_to_be_anchored(leased, change) ? WAIT_ANCHOR : WAIT_NONE;
}

/* Executes a command that nothing holds back. The result is what its response waits for. */
static enum leased_wait run(struct leased *leased, struct engine *engine, uint8_t locality,
                            const uint8_t *command, size_t size, uint8_t response[TPM_RESPONSE_MAX],
                            size_t *response_size)
{
    enum leased_wait wait;

    *response_size = engine_execute(engine, locality, command, size, response);
    if (size < TPM_HEADER_SIZE)
        return WAIT_NONE;
    wait = settle(leased, engine, command, size);
    if (engine->failed)
        *response_size = command_refusal(response, TPM_RC_FAILURE);
    return leased->phase == LEASED_KEPT && engine->shut_down ? WAIT_RELEASE : wait;
}

static bool is_kept(const struct leased *leased, uint8_t locality, const uint8_t *command,
                    size_t size)
{
    return leased->locality == locality && leased->command_size == size &&
           memcmp(leased->command, command, size) == 0;
}

/* While a command waits, or its response is there: 0, or that response. */
static size_t ask_again(struct leased *leased, uint8_t locality, const uint8_t *command,
                        size_t size, uint8_t response[TPM_RESPONSE_MAX])
{
    size_t response_size = leased->response_size;

    if (leased->wait != WAIT_OVER || !is_kept(leased, locality, command, size))
        return 0;
    memcpy(response, leased->response, response_size);
    forget_command(leased);
    return response_size;
}

/*
 * While it is not known whether the KBS has the newest state, only what changes nothing is
 * executed: commands that prove no authorization, and those on PCRs, which are not part of the
 * state.
 */
static bool is_harmless(const uint8_t *command, size_t size)
{
    if (size < TPM_HEADER_SIZE)
        return true; /* no command at all */
    switch (get_be32(command + 6)) {
    case TPM_CC_Startup:
    case TPM_CC_Shutdown:
        return false;
    case TPM_CC_PCR_Event:
    case TPM_CC_PCR_Extend:
    case TPM_CC_PCR_Reset:
        return true;
    default:
        return get_be16(command) == TPM_ST_NO_SESSIONS;
    }
}

/*
 * Whether it has to be known first that the lease is still this VM's, or that the KBS has the
 * newest state: one that it was asked to commit must stay on the disk until it has answered.
 */
static bool has_to_wait(const struct leased *leased, const struct engine *engine)
{
    switch (leased->phase) {
    case LEASED_RELEASED:
        return true; /* the lease may be another VM's */
    case LEASED_KEPT:
        return engine->shut_down || leased->asked == ATTEST_ANCHOR ||
               (leased->in_doubt && upkeep_clock() >= leased->anchor_at);
    default:
        return false;
    }
}

/* A kernel that was replaced by another one does not come back for its response. */
static bool is_abandoned(const struct leased *leased, uint8_t locality, const uint8_t *command,
                         size_t size)
{
    return leased->wait == WAIT_OVER && !is_kept(leased, locality, command, size) &&
           upkeep_clock() - leased->answered_at >= RESPONSE_KEPT_MS;
}

size_t leased_execute(struct leased *leased, struct engine *engine, uint8_t locality,
                      const uint8_t *command, size_t size, uint8_t response[TPM_RESPONSE_MAX])
{
    enum leased_wait wait;
    size_t response_size;

    if (leased->phase == LEASED_UNCONFIRMED)
        return command_refusal(response, TPM_RC_INITIALIZE);
    if (leased->wait != WAIT_NONE && is_abandoned(leased, locality, command, size))
        forget_command(leased);
    if (leased->wait != WAIT_NONE)
        return ask_again(leased, locality, command, size, response);
    if (leased->phase == LEASED_LOST)
        return command_refusal(response, TPM_RC_FAILURE);
    if (size > TPM_COMMAND_MAX)
        return engine_execute(engine, locality, command, size, response);
    if (has_to_wait(leased, engine)) {
        keep_command(leased, WAIT_LEASE, locality, command, size);
        return 0;
    }
    if (leased->in_doubt && !is_harmless(command, size))
        return command_refusal(response, TPM_RC_NV_UNAVAILABLE);
    wait = run(leased, engine, locality, command, size, response, &response_size);
    if (wait == WAIT_NONE)
        return response_size;
    keep_command(leased, wait, locality, command, size);
    memcpy(leased->response, response, response_size);
    leased->response_size = response_size;
    return 0;
}

/* What the KBS is told */

/* An operation of the attestation service's; 0: none. */
static uint32_t due_now(const struct leased *leased, const struct engine *engine)
{
    switch (leased->wait) {
    case WAIT_LEASE:
        return leased->in_doubt || leased->asked == ATTEST_ANCHOR ? ATTEST_ANCHOR : ATTEST_RENEW;
    case WAIT_ANCHOR:
        return ATTEST_ANCHOR;
    case WAIT_RELEASE:
        return ATTEST_RELEASE;
    case WAIT_NONE:
    case WAIT_OVER:
        break;
    }
    switch (leased->phase) {
    case LEASED_REFUSED:
        return ATTEST_COMPLAIN;
    case LEASED_UNCONFIRMED:
        return ATTEST_CONFIRM;
    case LEASED_KEPT:
        if (engine->shut_down)
            return 0;
        if (upkeep_clock() >= leased->anchor_at)
            return ATTEST_ANCHOR;
        return upkeep_clock() >= leased->renew_at ? ATTEST_RENEW : 0;
    default:
        return 0;
    }
}

static bool put_state(const struct leased *leased, const struct engine *engine, uint32_t operation,
                      struct writer *request)
{
    struct state_name state;

    if (operation == ATTEST_RENEW || (operation == ATTEST_COMPLAIN && !leased->found_state))
        return true;
    state = operation == ATTEST_COMPLAIN ? leased->found : state_name(&engine->state);
    return writer_put(request, &state, sizeof(state)) &&
           (operation != ATTEST_CONFIRM || ek_request_write(&engine->ek, request));
}

bool leased_due(struct leased *leased, const struct engine *engine, struct writer *request)
{
    uint32_t operation = due_now(leased, engine);

    if (operation != leased->asked)
        leased->asked_at = upkeep_clock();
    leased->asked = operation;
    return operation == 0 ||
           (writer_le32(request, operation) && put_state(leased, engine, operation, request));
}

/* The answers */

static void renewed(struct leased *leased, struct reader *rest)
{
    uint32_t seconds;

    if (!reader_le32(rest, &seconds) || seconds > RENEW_SECONDS_MAX * RENEW_PART)
        seconds = RENEW_SECONDS_MAX * RENEW_PART;
    leased->renew_at = leased->asked_at + RENEW_AFTER_MS(seconds);
    leased->phase = LEASED_KEPT;
}

/* What the volume has now would be refused at the next start, and another VM is this TPM. */
static void fence(struct leased *leased, struct engine *engine)
{
    log_error("another VM has taken over the state volume, or its owner broke the lease: this TPM "
              "persists nothing more, its keys are wiped, and each command fails (TPM_RC_FAILURE); "
              "start the VM anew");
    engine_close(engine);
    leased->phase = LEASED_LOST;
    if (leased->wait != WAIT_NONE && leased->wait != WAIT_OVER)
        refuse(leased, TPM_RC_FAILURE);
}

/* The command that waited for the lease is executed; or not, where another VM may have it. */
static void go_on(struct leased *leased, struct engine *engine)
{
    enum leased_wait wait;

    if (leased->phase == LEASED_RELEASED ||
        (leased->in_doubt && !is_harmless(leased->command, leased->command_size))) {
        refuse(leased, TPM_RC_NV_UNAVAILABLE);
        return;
    }
    wait = run(leased, engine, leased->locality, leased->command, leased->command_size,
               leased->response, &leased->response_size);
    if (wait == WAIT_NONE)
        answer(leased);
    else
        leased->wait = wait;
}

/* The newest state is the committed one. */
static void anchored(struct leased *leased, struct engine *engine)
{
    state_confirm(&engine->state);
    leased->in_doubt = false;
    leased->minor = 0;
    leased->anchor_at = NEVER;
}

/* It may be, or not: it is asked for again before anything else is written. */
static void doubt(struct leased *leased, unsigned int again_ms)
{
    leased->in_doubt = true;
    leased->anchor_at = upkeep_clock() + again_ms;
}

/*
 * Whether what got no answer is asked for again at once, while commands wait: a guest's kernel
 * that looks for UARTs can spoil an exchange.
 */
MUST_CHECK static bool has_another_try(struct leased *leased)
{
    if (++leased->tries < TRIES)
        return true;
    leased->tries = 0;
    return false;
}

static void told_renew(struct leased *leased, struct engine *engine, uint32_t status,
                       struct reader *rest)
{
    if (status == ATTEST_STATUS_DONE)
        renewed(leased, rest);
    else if (has_another_try(leased))
        return;
    else
        leased->renew_at = upkeep_clock() + RENEW_AGAIN_MS;
    if (leased->wait == WAIT_LEASE)
        go_on(leased, engine);
}

static void told_anchor(struct leased *leased, struct engine *engine, uint32_t status,
                        struct reader *rest)
{
    if (status == ATTEST_STATUS_DONE) {
        anchored(leased, engine);
        renewed(leased, rest);
    } else {
        bool again = has_another_try(leased);

        doubt(leased, again ? 0 : RENEW_AGAIN_MS);
        if (again)
            return;
    }
    if (leased->wait == WAIT_LEASE)
        go_on(leased, engine);
    else if (leased->wait == WAIT_ANCHOR && leased->in_doubt)
        refuse(leased, TPM_RC_NV_UNAVAILABLE);
    else if (leased->wait == WAIT_ANCHOR)
        answer(leased);
}

static void told_release(struct leased *leased, struct engine *engine, uint32_t status)
{
    if (status == ATTEST_STATUS_DONE) {
        log_info("the lease of the state volume is given back, with state number %llu",
                 (unsigned long long)state_name(&engine->state).counter);
        anchored(leased, engine);
        leased->phase = LEASED_RELEASED;
    } else if (has_another_try(leased)) {
        return;
    } else {
        log_warning("the lease of the state volume is not given back: the next start waits until "
                    "it is over");
        doubt(leased, RENEW_AGAIN_MS);
    }
    answer(leased);
}

static enum leased_told told_confirm(struct leased *leased, struct engine *engine, uint32_t status,
                                     struct reader *rest)
{
    if (status != ATTEST_STATUS_DONE)
        return LEASED_TOLD_FAILED;
    state_confirm(&engine->state);
    state_hold(&engine->state);
    if (leased->rekeys)
        log_info("the state volume has changed its key: the KBS releases the older one no more");
    renewed(leased, rest);
    if (rest->left > 0)
        (void)!ek_certificates_keep(engine, rest->next, rest->left);
    return LEASED_TOLD;
}

enum leased_told leased_told(struct leased *leased, struct engine *engine, struct reader *rest)
{
    uint32_t asked = leased->asked;
    uint32_t status;

    if (asked == 0 || !reader_le32(rest, &status))
        return LEASED_TOLD_NOTHING;
    if (status == ATTEST_STATUS_PENDING)
        return LEASED_TOLD_PENDING;
    leased->asked = 0;
    if (status == ATTEST_STATUS_DONE)
        leased->tries = 0;
    if (asked == ATTEST_CONFIRM)
        return told_confirm(leased, engine, status, rest);
    if (status == ATTEST_STATUS_LEASE_LOST)
        fence(leased, engine);
    else if (asked == ATTEST_RENEW)
        told_renew(leased, engine, status, rest);
    else if (asked == ATTEST_ANCHOR)
        told_anchor(leased, engine, status, rest);
    else if (asked == ATTEST_RELEASE)
        told_release(leased, engine, status);
    else /* COMPLAIN: whether it was heard or not, an ephemeral TPM has nothing more to do with it
          */
        leased->phase = LEASED_NOT;
    return LEASED_TOLD;
}
