/* SPDX-License-Identifier: MIT */
#include "services/tpm/state.h"

#include <openssl/crypto.h>
#include <string.h>

static_assert(STATE_ROOT_SIZE == VOLUME_DIGEST_SIZE && STATE_KEY_SIZE == VOLUME_KEY_SIZE,
              "what the KBS tells of a volume");

static enum volume_status open_at(struct tpm_state *state, const struct volume_storage *storage,
                                  const uint8_t key[VOLUME_KEY_SIZE],
                                  const struct volume_anchor *anchor)
{
    enum volume_status status = volume_open(&state->volume, storage, key, anchor);

    if (status == VOLUME_OK)
        status =
            volume_read(&state->volume, VOLUME_TPM_STATE, &state->blob.bytes, &state->blob.size);
    if (status == VOLUME_NO_OBJECT) /* a volume with other objects, and no TPM yet */
        status = VOLUME_BLANK;
    state->ephemeral = status == VOLUME_WRONG_KEY;
    return status;
}

enum volume_status state_open(struct tpm_state *state, const struct volume_storage *storage,
                              const uint8_t key[VOLUME_KEY_SIZE])
{
    memset(state, 0, sizeof(*state));
    return open_at(state, storage, key, NULL);
}

enum volume_status state_open_leased(struct tpm_state *state, const struct volume_storage *storage,
                                     const struct state_grant *grant)
{
    struct volume_anchor anchor = {
        .counter = grant->committed.counter,
        .same_epoch = grant->flags & STATE_GRANT_SAME_EPOCH,
        .epoch = grant->committed_epoch,
    };
    enum volume_status status;

    memset(state, 0, sizeof(*state));
    memcpy(anchor.root, grant->committed.root, sizeof(anchor.root));
    status =
        open_at(state, storage, grant->key, grant->flags & STATE_GRANT_COMMITTED ? &anchor : NULL);
    state->leased = state->held = !state->ephemeral;
    state->volume.epoch = grant->epoch;
    state->volume.generation = grant->generation;
    return status;
}

/* The TPM's state, and with it what else has changed. */
static enum volume_status commit(struct tpm_state *state, const uint8_t *bytes, size_t size)
{
    const struct volume_change changes[] = {
        {.name = VOLUME_TPM_STATE, .bytes = bytes, .size = size},
        {.name = VOLUME_TPM_EK, .bytes = state->ek.bytes, .size = state->ek.size},
    };
    enum volume_status status = volume_commit(&state->volume, changes, state->ek_changed ? 2 : 1);

    if (status == VOLUME_OK)
        state->ek_changed = false;
    return status;
}

enum volume_status state_read_ek(struct tpm_state *state, uint8_t **bytes, size_t *size)
{
    return state->ephemeral ? VOLUME_NO_OBJECT
                            : volume_read(&state->volume, VOLUME_TPM_EK, bytes, size);
}

void state_put_ek(struct tpm_state *state, const uint8_t *bytes, size_t size)
{
    OPENSSL_free(state->ek.bytes);
    state->ek =
        (struct state_blob){.bytes = bytes ? OPENSSL_memdup(bytes, size) : NULL, .size = size};
    /* Without memory for it, it is gone, and made again at the next start. */
    state->ek_changed = true;
}

bool state_drop_unconfirmed(struct tpm_state *state)
{
    if (!volume_disown(&state->volume))
        return false;
    OPENSSL_clear_free(state->blob.bytes, state->blob.size);
    state->blob = (struct state_blob){0};
    return true;
}

enum volume_status state_begin(struct tpm_state *state)
{
    if (!state->blob.bytes)
        return VOLUME_NO_OBJECT;
    state->held = false;
    return commit(state, state->blob.bytes, state->blob.size);
}

void state_hold(struct tpm_state *state)
{
    state->held = true;
    state->changed = false;
}

enum volume_status state_settle(struct tpm_state *state)
{
    enum volume_status status = VOLUME_OK;

    if (state->changed)
        status = commit(state, state->blob.bytes, state->blob.size);
    if (status == VOLUME_OK)
        state->changed = false;
    return status;
}

struct state_name state_name(const struct tpm_state *state)
{
    const struct superblock *newest = &state->volume.current.superblock;
    struct state_name name = {.counter = newest->counter};

    memcpy(name.root, newest->root, sizeof(name.root));
    return name;
}

void state_confirm(struct tpm_state *state)
{
    volume_acknowledge(&state->volume);
}

static enum volume_status make_durable(struct tpm_state *state, const uint8_t *bytes, size_t size)
{
    enum volume_status status;

    state->changed = true;
    if (state->ephemeral || state->held)
        return VOLUME_OK;
    status = commit(state, bytes, size);
    if (status == VOLUME_OK && !state->leased)
        volume_acknowledge(&state->volume);
    return status;
}

enum volume_status state_store(struct tpm_state *state, const uint8_t *bytes, size_t size)
{
    uint8_t *copy = OPENSSL_memdup(bytes, size);
    enum volume_status status = copy ? make_durable(state, bytes, size) : VOLUME_NO_RESOURCES;

    if (status != VOLUME_OK) {
        OPENSSL_clear_free(copy, size);
        return status;
    }
    OPENSSL_clear_free(state->blob.bytes, state->blob.size);
    state->blob = (struct state_blob){.bytes = copy, .size = size};
    return VOLUME_OK;
}

void state_close(struct tpm_state *state)
{
    OPENSSL_clear_free(state->blob.bytes, state->blob.size);
    OPENSSL_free(state->ek.bytes);
    volume_close(&state->volume);
    *state = (struct tpm_state){0};
}
