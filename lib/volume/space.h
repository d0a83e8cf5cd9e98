/* SPDX-License-Identifier: MIT */
/*
 * Where the contents of states may lie: between the superblocks, in whole blocks, and never where
 * a state that is still needed has something.
 */
#ifndef SNPVTPM_LIB_VOLUME_SPACE_H
#define SNPVTPM_LIB_VOLUME_SPACE_H

#include "lib/volume/device.h"
#include "lib/volume/table.h"

/* A state: what its superblock names. */
struct volume_state {
    struct superblock superblock;
    struct table table;
};

#define SPACE_IN_USE_MAX (3 * (VOLUME_OBJECTS_MAX + 1))

/* What must not be written to. */
struct space {
    size_t count;
    struct {
        uint64_t first, end; /* sectors */
    } in_use[SPACE_IN_USE_MAX];
};

/* Adds what a content, or all that a state, occupies. */
void space_keep(struct space *space, const struct content *content);
void space_keep_state(struct space *space, const struct volume_state *state);

/*
 * Finds room for size bytes, from the low end of the device for objects and from the high end for
 * tables, so that these do not break up what is free. False: there is none.
 */
MUST_CHECK bool space_find(const struct space *space, const struct device *device, uint64_t size,
                           bool from_the_end, uint64_t *sector);

/* Whether a content that was read from the device can be on it: in the room for contents. */
MUST_CHECK bool space_holds(const struct device *device, const struct content *content);

#endif
