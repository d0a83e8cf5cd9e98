/* SPDX-License-Identifier: MIT */
/*
 * The permanent state of the TPM: libtpms' "permall" blob as the payload of a state volume, or in
 * memory only when the volume belongs to another key (ephemeral).
 */
#ifndef SNPVTPM_SERVICES_TPM_STATE_H
#define SNPVTPM_SERVICES_TPM_STATE_H

#include "lib/abi/state_grant.h"
#include "lib/volume/volume.h"

struct state_blob {
    uint8_t *bytes; /* NULL: there is none */
    size_t size;
};

struct tpm_state {
    struct volume volume;
    bool ephemeral;
    bool leased;          /* states are acknowledged by the KBS, not here */
    bool held;            /* what is stored is not durable before state_begin() or state_settle() */
    bool changed;         /* held, and something was stored since then */
    bool ek_changed;      /* the next state that is stored has another record in ek, or none */
    struct state_blob ek; /* the endorsement keys' record; likewise */
    struct state_blob blob; /* the durable state; none before the TPM is manufactured */
    bool rekeys;            /* state_begin() puts the volume under another key: */
    uint8_t next_key[VOLUME_KEY_SIZE];
};

/*
 * Opens the volume. VOLUME_OK: a state was loaded. VOLUME_BLANK: there is none yet.
 * VOLUME_WRONG_KEY: there is none, and what is stored from now on stays in memory.
 * Otherwise the state cannot be used. state_close() is due in any case.
 */
MUST_CHECK enum volume_status state_open(struct tpm_state *state,
                                         const struct volume_storage *storage,
                                         const uint8_t key[VOLUME_KEY_SIZE]);

/*
 * The same for a volume with a lease, at the state that grant says is committed. Where none is,
 * the volume opens as it is; that it may is the caller's to check. With a key to change over to,
 * the volume opens with whichever key opens it. Nothing is written before state_begin().
 */
MUST_CHECK enum volume_status state_open_leased(struct tpm_state *state,
                                                const struct volume_storage *storage,
                                                const struct state_grant *grant);

/*
 * Drops the state of a boot that ended before any state was committed, so that a TPM can be made
 * anew in its place. False: it may be more than that, and stays.
 */
MUST_CHECK bool state_drop_unconfirmed(struct tpm_state *state);

/* Writes the first state of a boot, in its epoch and under the key to change over to if there is
 * one: VOLUME_OK once it is durable. */
MUST_CHECK enum volume_status state_begin(struct tpm_state *state);

/*
 * From now on what is stored is kept in memory. state_settle() writes it as one state, if anything
 * changed, and goes on so: VOLUME_OK once it is durable.
 */
void state_hold(struct tpm_state *state);
MUST_CHECK enum volume_status state_settle(struct tpm_state *state);

/* The newest durable state, for the KBS. */
struct state_name state_name(const struct tpm_state *state);

/* The KBS has committed the newest state. */
void state_confirm(struct tpm_state *state);

/* Replaces the state; VOLUME_OK once it is durable. */
MUST_CHECK enum volume_status state_store(struct tpm_state *state, const uint8_t *bytes,
                                          size_t size);

/* Reads the endorsement keys' record, as volume_read() does. */
MUST_CHECK enum volume_status state_read_ek(struct tpm_state *state, uint8_t **bytes, size_t *size);

/* Replaces that record, or removes it when bytes is NULL: durable with the next state. */
void state_put_ek(struct tpm_state *state, const uint8_t *bytes, size_t size);

/* Wipes key and state from memory. */
void state_close(struct tpm_state *state);

#endif
