/* SPDX-License-Identifier: MIT */
/*
 * The superblocks of a volume: reads all places where one can be, and decides which state counts
 * (docs/state-volume.md, "Opening").
 */
#ifndef SNPVTPM_LIB_VOLUME_SLOTS_H
#define SNPVTPM_LIB_VOLUME_SLOTS_H

#include "lib/volume/anchor.h"
#include "lib/volume/device.h"
#include "lib/volume/superblock.h"

/* One sector for superblocks. */
struct place {
    uint64_t sector;
    bool authentic; /* superblock is set */
    bool is_zero;   /* as stored */
    struct superblock superblock;
};

#define HALVES 2 /* of a volume of version 1, with two copies of its superblock in each */
#define COPIES 2

struct slots {
    struct place places[SLOTS];       /* of version 2; a superblock of version 1 can be in one */
    struct place old[HALVES][COPIES]; /* of version 1; those of version 2 are not in here */
    bool recognised;                  /* one has the magic, hence the key is right */
    bool other_version;               /* one is authentic, of a version that is not known */
};

/* VOLUME_OK, or what failed. Nothing that is found makes it fail. */
MUST_CHECK enum volume_status slots_read(struct slots *slots, struct device *device);

/* Which state counts. */
struct choice {
    struct superblock current;      /* the newest state that may be served */
    struct superblock acknowledged; /* the one to keep: current, unless that is newer */
    unsigned slot;                  /* of current */
    bool blank;                     /* not even formatted: nothing of the above is set */
};

/*
 * Without an anchor the newest state, and only if power cuts can leave the superblocks so; with one
 * the state that it names. VOLUME_OK, or why there is none. Reads all of a volume without
 * superblocks, to tell a blank one from another key's.
 */
MUST_CHECK enum volume_status slots_choose(const struct slots *slots, struct device *device,
                                           const struct volume_anchor *anchor,
                                           struct choice *choice);

/* Of the authentic superblocks the one with the highest counter, of either version; or NULL. */
const struct superblock *slots_highest(const struct slots *slots);

/* What is left of version 1 outside the slots, after an upgrade that was cut short. */
bool slots_have_remains(const struct slots *slots);

#endif
