/* SPDX-License-Identifier: MIT */
/*
 * What the attestation service hands to the TPM service, once: the state key, and what the KBS's
 * signed record says of the volume (docs/anchoring.md). The kernel passes it on unread.
 */
#ifndef SNPVTPM_LIB_ABI_STATE_GRANT_H
#define SNPVTPM_LIB_ABI_STATE_GRANT_H

#include <assert.h>
#include <stdint.h>

#include "lib/abi/channel.h"

#define STATE_ROOT_SIZE      48
#define STATE_VOLUME_ID_SIZE 16

enum state_grant_flag {
    STATE_GRANT_LEASED = 1, /* the rest means something; otherwise there is only a key */
    STATE_GRANT_COMMITTED = 2,
    STATE_GRANT_SAME_EPOCH = 4,   /* later states of the committed one's epoch open, too */
    STATE_GRANT_MANUFACTURE = 8,  /* a blank volume gets a new TPM */
    STATE_GRANT_ADOPT = 0x10,     /* the state on the volume is taken, as none is committed */
    STATE_GRANT_EPHEMERAL = 0x20, /* under another key the volume is left alone, for a new TPM */
    /* What is anchored while the guest runs, before the TPM answers; neither: nothing is. */
    STATE_GRANT_ANCHOR_MAJOR = 0x40, /* all changes but those of ordinary data */
    STATE_GRANT_ANCHOR_ALL = 0x80,   /* each change */
    STATE_GRANT_REKEY = 0x100,       /* the boot's first state goes under next_key */
};

/* A state of the volume, as the services tell it to each other: what CONFIRM is about. */
struct state_name {
    uint64_t counter;
    uint8_t root[STATE_ROOT_SIZE];
};

struct state_grant {
    uint8_t key[STATE_KEY_SIZE];
    uint64_t flags;
    uint64_t epoch, generation;              /* of the states to come */
    struct state_name committed;             /* with STATE_GRANT_COMMITTED */
    uint64_t committed_epoch;                /* with STATE_GRANT_SAME_EPOCH */
    uint8_t volume_id[STATE_VOLUME_ID_SIZE]; /* by which the KBS knows it */
    uint8_t next_key[STATE_KEY_SIZE];        /* with STATE_GRANT_REKEY */
};

static_assert(sizeof(struct state_name) == 56, "what the kernel passes on");
static_assert(sizeof(struct state_grant) == 232, "what the kernel passes on");

#endif
