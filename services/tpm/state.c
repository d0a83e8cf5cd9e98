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

/* How much of a volume an opening shows. */
static unsigned int rank(enum volume_status status)
{
    switch (status) {
    case VOLUME_OK:
    case VOLUME_BLANK:
        return 2;
    case VOLUME_WRONG_KEY:
        return 0;
    default:
        return 1;
    }
}

static bool shows_more(const struct tpm_state *a, enum volume_status a_status,
                       const struct tpm_state *b, enum volume_status b_status)
{
    if (rank(a_status) != rank(b_status))
        return rank(a_status) > rank(b_status);
    return a->volume.has_highest &&
           (!b->volume.has_highest || a->volume.highest.counter > b->volume.highest.counter);
}

/*
 * A boot that was to change the key may have been cut short at any point, so either key may open
 * what the KBS has committed, and one of the two does. As long as nothing is committed the older
 * key comes first, so that what it opens is there until CONFIRM, and the owner can cancel. Where
 * neither opens the volume, what is said of it is what tells more.
 */
static enum volume_status open_with_either(struct tpm_state *state,
                                           const struct volume_storage *storage,
                                           const struct state_grant *grant,
                                           const struct volume_anchor *anchor)
{
    struct tpm_state newer = {0};
    enum volume_status status = open_at(state, storage, grant->key, anchor);
    enum volume_status newer_status;

    if (status != VOLUME_OK && status != VOLUME_BLANK) {
        newer_status = open_at(&newer, storage, grant->next_key, anchor);
        if (shows_more(&newer, newer_status, state, status)) {
            state_close(state);
            *state = newer;
            OPENSSL_cleanse(&newer, sizeof(newer));
            return newer_status;
        }
        state_close(&newer);
    }
    state->rekeys = true;
    memcpy(state->next_key, grant->next_key, sizeof(state->next_key));
    return status;
}

enum volume_status state_open_leased(struct tpm_state *state, const struct volume_storage *storage,
                                     const struct state_grant *grant)
{
    bool rekeys = grant->flags & STATE_GRANT_REKEY;
    struct volume_anchor anchor = {
        .counter = grant->committed.counter,
        .same_epoch = grant->flags & STATE_GRANT_SAME_EPOCH,
        .epoch = grant->committed_epoch,
    };
    const struct volume_anchor *at = grant->flags & STATE_GRANT_COMMITTED ? &anchor : NULL;
    enum volume_status status;

    memset(state, 0, sizeof(*state));
    memcpy(anchor.root, grant->committed.root, sizeof(anchor.root));
    status = rekeys ? open_with_either(state, storage, grant, at)
                    : open_at(state, storage, grant->key, at);
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
    size_t count = state->ek_changed ? 2 : 1;
    enum volume_status status = state->rekeys
                                    ? volume_rekey(&state->volume, state->next_key, changes, count)
                                    : volume_commit(&state->volume, changes, count);

    if (status == VOLUME_OK) {
        state->ek_changed = state->rekeys = false;
        OPENSSL_cleanse(state->next_key, sizeof(state->next_key));
    }
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
    OPENSSL_cleanse(state, sizeof(*state));
}
