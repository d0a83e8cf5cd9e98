/* SPDX-License-Identifier: MIT */
/* What somebody outside of the host's reach remembers of a volume (docs/state-volume.md,
 * "Anchoring"). */
#ifndef SNPVTPM_LIB_VOLUME_ANCHOR_H
#define SNPVTPM_LIB_VOLUME_ANCHOR_H

#include "lib/volume/keys.h"

/* The state that was acknowledged last. */
struct volume_anchor {
    uint64_t counter;
    uint8_t root[VOLUME_DIGEST_SIZE];
    /* Newer states are accepted, too, if they were written in this epoch. */
    bool same_epoch;
    uint64_t epoch;
};

#endif
