/* SPDX-License-Identifier: MIT */
/*
 * What an engine is made of, for it and for the files below it: library.c, then upkeep.c and
 * banks.c, then engine.c. Everybody else takes engine.h.
 */
#ifndef SNPVTPM_SERVICES_TPM_ENGINE_TYPE_H
#define SNPVTPM_SERVICES_TPM_ENGINE_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "services/tpm/ek_record.h"
#include "services/tpm/state.h"
#include "services/tpm/tpm_abi.h"

enum engine_opening {
    ENGINE_OPENED,       /* with the state of the volume */
    ENGINE_MANUFACTURED, /* the volume was blank */
    ENGINE_EPHEMERAL,    /* the key does not open the volume: a new TPM, in memory only */
    /* No TPM; the log says why, and the volume is as it was: */
    ENGINE_FAILED,        /* the volume or the key cannot be used */
    ENGINE_DAMAGED,       /* the volume was tampered with */
    ENGINE_REFUSED,       /* the volume is intact; this libtpms does not load the state in it */
    ENGINE_TOO_NEW,       /* likewise, because a newer libtpms wrote it */
    ENGINE_NOT_COMMITTED, /* the volume is not what the KBS's record admits */
};

/* Under which lease the volume is open, as the KBS's record says. */
struct engine_lease {
    bool held;                         /* else the rest means nothing */
    uint8_t volume_id[VOLUME_ID_SIZE]; /* the KBS's */
    uint64_t epoch, generation;
};

struct engine {
    struct tpm_state state;
    bool powered;
    bool failed;                 /* a state could not be made durable: only a power cycle helps */
    bool started;                /* by TPM2_Startup, since power came */
    bool stored;                 /* libtpms changed the state itself, at the last command */
    bool shut_down;              /* the last command was a TPM2_Shutdown, and done */
    bool trial;                  /* libtpms runs on a copy of the state, and nothing is stored */
    bool resumable;              /* TPM2_Shutdown(STATE) was done, and in this engine */
    struct state_blob candidate; /* what libtpms loads instead of the state, for trial */
    size_t loadable_size;        /* of the last state that libtpms did load; see library.c */
    uint64_t clock_checked;      /* ms: when the TPM's clock was last known to be stored */
    uint32_t banks;              /* the launch image's, 0 for those that the TPM has; banks.h */
    uint8_t locality;
    unsigned char *response; /* libtpms' buffer, reused */
    uint32_t response_room;
    struct ek_record ek;     /* see ek.h */
    unsigned int ek_created; /* kinds of its keys, as bits, that were made when it was not known */
    struct engine_lease lease;
};

#endif
