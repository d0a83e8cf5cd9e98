/* SPDX-License-Identifier: MIT */
/*
 * The TPM: libtpms with its permanent state on a state volume. One engine exists in a process,
 * because libtpms keeps its state in globals.
 */
#ifndef SNPVTPM_SERVICES_TPM_ENGINE_H
#define SNPVTPM_SERVICES_TPM_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "services/tpm/state.h"
#include "services/tpm/tpm_abi.h"

#define ENGINE_EK_PUBLIC_MAX 512

enum engine_opening {
    ENGINE_OPENED,       /* with the state of the volume */
    ENGINE_MANUFACTURED, /* the volume was blank */
    ENGINE_EPHEMERAL,    /* the key does not open the volume: a new TPM, in memory only */
    /* No TPM; the log says why, and the volume is as it was: */
    ENGINE_FAILED,  /* the volume or the key cannot be used */
    ENGINE_DAMAGED, /* the volume was tampered with */
    ENGINE_REFUSED, /* the volume is intact; this libtpms does not load the state in it */
    ENGINE_TOO_NEW, /* likewise, because a newer libtpms wrote it */
};

struct engine {
    struct tpm_state state;
    bool powered;
    bool failed;                 /* a state could not be made durable: only a power cycle helps */
    bool shut_down;              /* the last command was a TPM2_Shutdown, and done */
    bool resumable;              /* TPM2_Shutdown(STATE) was done, and in this engine */
    struct state_blob candidate; /* what libtpms loads instead of the state, for trial */
    size_t loadable_size;        /* of the last state that libtpms did load; see library.c */
    uint64_t clock_checked;      /* ms: when the TPM's clock was last known to be stored */
    uint8_t locality;
    unsigned char *response; /* libtpms' buffer, reused */
    uint32_t response_room;
    uint8_t ek_public[ENGINE_EK_PUBLIC_MAX]; /* a TPMT_PUBLIC; see ek.h */
    size_t ek_public_size;                   /* 0: not known */
};

/*
 * Opens the state volume and powers the TPM on from it; a blank volume gets a new TPM. The storage
 * must live until engine_close(), which is due in any case.
 */
MUST_CHECK enum engine_opening engine_open(struct engine *engine,
                                           const struct volume_storage *storage,
                                           const uint8_t key[VOLUME_KEY_SIZE]);

/* Whether there is a TPM now. */
MUST_CHECK bool engine_is_open(enum engine_opening opening);

/*
 * _TPM_Init: the TPM loses what is volatile and waits for TPM2_Startup, from the state that is
 * durable. False when it cannot start (logged).
 */
MUST_CHECK bool engine_power_cycle(struct engine *engine);
void engine_power_off(struct engine *engine);

/* An orderly end before power goes: TPM2_Shutdown(CLEAR), unless the client has just done that. */
void engine_shut_down(struct engine *engine);

/*
 * Executes one command and returns the response's size. There is always a response: what is not
 * even a command gets one with an error code. Whatever the command changed is durable before this
 * returns, and could be loaded again; if that failed, the response is TPM_RC_FAILURE, as are all
 * until the next power cycle. docs/tpm.md says what a TPM does not keep by its specification, and
 * which commands this refuses although libtpms would execute them.
 */
MUST_CHECK size_t engine_execute(struct engine *engine, uint8_t locality, const uint8_t *command,
                                 size_t size, uint8_t response[TPM_RESPONSE_MAX]);

/* Powers off and wipes. */
void engine_close(struct engine *engine);

#endif
