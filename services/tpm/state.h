/* SPDX-License-Identifier: MIT */
/*
 * The permanent state of the TPM: libtpms' "permall" blob as the payload of a state volume, or in
 * memory only when the volume belongs to another key (ephemeral).
 */
#ifndef SNPVTPM_SERVICES_TPM_STATE_H
#define SNPVTPM_SERVICES_TPM_STATE_H

#include "lib/volume/volume.h"

struct state_blob {
    uint8_t *bytes; /* NULL: there is none */
    size_t size;
};

struct tpm_state {
    struct volume volume;
    bool ephemeral;
    struct state_blob blob; /* the durable state; none before the TPM is manufactured */
};

/*
 * Opens the volume. VOLUME_OK: a state was loaded. VOLUME_BLANK: there is none yet.
 * VOLUME_WRONG_KEY: there is none, and what is stored from now on stays in memory.
 * Otherwise the state cannot be used. state_close() is due in any case.
 */
MUST_CHECK enum volume_status state_open(struct tpm_state *state,
                                         const struct volume_storage *storage,
                                         const uint8_t key[VOLUME_KEY_SIZE]);

/* Replaces the state; VOLUME_OK once it is durable. */
MUST_CHECK enum volume_status state_store(struct tpm_state *state, const uint8_t *bytes,
                                          size_t size);

/* Wipes key and state from memory. */
void state_close(struct tpm_state *state);

#endif
