/* SPDX-License-Identifier: MIT */
#include "services/tpm/state.h"

#include <openssl/crypto.h>
#include <string.h>

enum volume_status state_open(struct tpm_state *state, const struct volume_storage *storage,
                              const uint8_t key[VOLUME_KEY_SIZE])
{
    enum volume_status status;

    memset(state, 0, sizeof(*state));
    status = volume_open(&state->volume, storage, key, NULL);
    if (status == VOLUME_OK)
        status =
            volume_read(&state->volume, VOLUME_TPM_STATE, &state->blob.bytes, &state->blob.size);
    if (status == VOLUME_NO_OBJECT) /* a volume with other objects, and no TPM yet */
        status = VOLUME_BLANK;
    state->ephemeral = status == VOLUME_WRONG_KEY;
    return status;
}

enum volume_status state_store(struct tpm_state *state, const uint8_t *bytes, size_t size)
{
    uint8_t *copy = OPENSSL_memdup(bytes, size);
    enum volume_status status = VOLUME_OK;

    if (!copy)
        status = VOLUME_NO_RESOURCES;
    else if (!state->ephemeral)
        status = volume_update(&state->volume, VOLUME_TPM_STATE, bytes, size);

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
    volume_close(&state->volume);
    *state = (struct tpm_state){0};
}
