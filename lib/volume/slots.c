/* SPDX-License-Identifier: MIT */
#include "lib/volume/slots.h"

#include <openssl/crypto.h>
#include <string.h>

#include "lib/volume/version1.h"

static enum volume_status read_place(struct slots *slots, struct device *device, uint64_t at,
                                     struct place *place)
{
    uint8_t sector[SECTOR_SIZE];
    enum volume_status status = device_read_raw(device, at, sector, 1);

    *place = (struct place){.sector = at};
    if (status != VOLUME_OK)
        return status;
    place->is_zero = bytes_are_zero(sector, sizeof(sector));
    if (!sector_decrypt(&device->cipher, at, sector, 1))
        return VOLUME_NO_RESOURCES;
    switch (superblock_read(&place->superblock, sector, device->key)) {
    case SUPERBLOCK_AUTHENTIC:
        slots->recognised = true;
        place->authentic = true;
        break;
    case SUPERBLOCK_FORGED:
        slots->recognised = true;
        break;
    case SUPERBLOCK_OTHER_VERSION:
        slots->other_version = true;
        break;
    case SUPERBLOCK_ABSENT:
        break;
    case SUPERBLOCK_CRYPTO_FAILED:
        return VOLUME_NO_RESOURCES;
    }
    return VOLUME_OK;
}

static bool is_version(const struct place *place, uint32_t version)
{
    return place->authentic && place->superblock.version == version;
}

enum volume_status slots_read(struct slots *slots, struct device *device)
{
    enum volume_status status = VOLUME_OK;

    memset(slots, 0, sizeof(*slots));
    for (unsigned slot = 0; slot < SLOTS && status == VOLUME_OK; slot++)
        status = read_place(slots, device, device_slot(device, slot), &slots->places[slot]);
    for (unsigned i = 0; i < HALVES * COPIES && status == VOLUME_OK; i++) {
        struct place *old = &slots->old[i / COPIES][i % COPIES];

        status = read_place(slots, device, version1_sector(device, i / COPIES, i % COPIES), old);
        old->authentic = is_version(old, VOLUME_VERSION_1);
    }
    return status;
}

const struct superblock *slots_highest(const struct slots *slots)
{
    const struct superblock *highest = NULL;

    for (unsigned i = 0; i < SLOTS + HALVES * COPIES; i++) {
        const struct place *place =
            i < SLOTS ? &slots->places[i] : &slots->old[(i - SLOTS) / COPIES][(i - SLOTS) % COPIES];

        if (place->authentic && (!highest || place->superblock.counter > highest->counter))
            highest = &place->superblock;
    }
    return highest;
}

bool slots_have_remains(const struct slots *slots)
{
    for (unsigned i = 0; i < HALVES * COPIES; i++) {
        const struct place *old = &slots->old[i / COPIES][i % COPIES];

        if (!old->is_zero && old->sector != slots->places[0].sector &&
            old->sector != slots->places[1].sector)
            return true;
    }
    return false;
}

/*
 * No superblock is authentic. Blank is what is zero but for the block of the middle slot: this is
 * written first of all, and a power cut may have torn it.
 */
static enum volume_status blank_or_not(const struct slots *slots, struct device *device)
{
    uint8_t block[BLOCK_SECTORS * SECTOR_SIZE];

    for (uint64_t at = 0; at < device->sectors; at += BLOCK_SECTORS) {
        enum volume_status status;

        if (at == device_slot(device, 1))
            continue;
        status = device_read_raw(device, at, block, BLOCK_SECTORS);
        if (status != VOLUME_OK)
            return status;
        if (!bytes_are_zero(block, sizeof(block)))
            return slots->recognised ? VOLUME_DAMAGED : VOLUME_WRONG_KEY;
    }
    return VOLUME_OK;
}

/* The newest superblock of version 2; SLOTS: there is none. */
static unsigned newest_slot(const struct slots *slots)
{
    unsigned newest = SLOTS;

    for (unsigned slot = 0; slot < SLOTS; slot++)
        if (is_version(&slots->places[slot], VOLUME_VERSION) &&
            (newest == SLOTS ||
             slots->places[slot].superblock.counter > slots->places[newest].superblock.counter))
            newest = slot;
    return newest;
}

/* Whether slot has the state that counter names, or cannot be read, as a power cut leaves it. */
static bool has_or_is_torn(const struct slots *slots, unsigned slot, uint64_t counter)
{
    return !slots->places[slot].authentic || (is_version(&slots->places[slot], VOLUME_VERSION) &&
                                              slots->places[slot].superblock.counter == counter);
}

static bool has(const struct slots *slots, unsigned slot, uint64_t counter)
{
    return slots->places[slot].authentic && has_or_is_torn(slots, slot, counter);
}

/* The first state of version 2 was written into the last slot; the other slots follow. */
static bool is_fresh_upgrade(const struct slots *slots, uint64_t newest)
{
    for (unsigned slot = 0; slot < SLOTS - 1; slot++)
        if (!has_or_is_torn(slots, slot, newest) &&
            !(is_version(&slots->places[slot], VOLUME_VERSION_1) &&
              slots->places[slot].superblock.counter < newest &&
              slots->places[slot].superblock.counter + HALVES >= newest))
            return false;
    return has(slots, SLOTS - 1, newest);
}

/*
 * Whether commits, acknowledgements and power cuts can leave the slots so when newest is the newest
 * state. Each commit begins with all of them having the state before. Then the first slot gets the
 * new state, and, once it is acknowledged, the others. Of states that are committed before that,
 * the second takes the second slot, the next the first one again, and so on; the last slot keeps
 * the one that is acknowledged.
 */
static bool is_plausible(const struct slots *slots, const struct superblock *newest)
{
    uint64_t counter = newest->counter;
    bool chained = newest->base + 1 < counter; /* to states that were not acknowledged */
    unsigned slot = has(slots, 0, counter) ? 0 : 1;

    if (is_fresh_upgrade(slots, counter))
        return true;
    for (unsigned i = 0; i < SLOTS; i++)
        if (is_version(&slots->places[i], VOLUME_VERSION_1))
            return false;
    if (chained)
        return has(slots, slot, counter) &&
               (has_or_is_torn(slots, 1 - slot, counter) ||
                has_or_is_torn(slots, 1 - slot, counter - 1)) &&
               (has_or_is_torn(slots, 2, counter) || has_or_is_torn(slots, 2, newest->base));
    if (slot != 0) /* the state after it was being written into the first slot */
        return !slots->places[0].authentic && has_or_is_torn(slots, 1, counter) &&
               has_or_is_torn(slots, 2, counter);
    return (has_or_is_torn(slots, 1, counter) || has_or_is_torn(slots, 1, newest->base)) &&
           (has_or_is_torn(slots, 2, counter) || has_or_is_torn(slots, 2, newest->base));
}

/* Superblocks of one volume, and of one counter only if they are the same. */
static enum volume_status compare_superblocks(const struct slots *slots)
{
    for (unsigned a = 0; a < SLOTS; a++)
        for (unsigned b = a + 1; b < SLOTS; b++) {
            const struct place *one = &slots->places[a];
            const struct place *other = &slots->places[b];

            if (!one->authentic || !other->authentic)
                continue;
            if (memcmp(one->superblock.volume_id, other->superblock.volume_id, VOLUME_ID_SIZE) != 0)
                return VOLUME_FOREIGN;
            if (one->superblock.counter == other->superblock.counter &&
                !superblock_equal(&one->superblock, &other->superblock))
                return VOLUME_MIXED;
        }
    return VOLUME_OK;
}

static enum volume_status choose_newest(const struct slots *slots, struct device *device,
                                        struct choice *choice)
{
    unsigned newest = newest_slot(slots);
    enum volume_status status;

    if (!slots_highest(slots)) {
        choice->blank = true;
        return blank_or_not(slots, device);
    }
    if (newest == SLOTS) {
        status = version1_choose(slots->old, device, &choice->current);
        choice->acknowledged = choice->current;
        return status;
    }
    choice->slot = newest;
    choice->current = slots->places[newest].superblock;
    choice->acknowledged = choice->current;
    status = compare_superblocks(slots);
    if (status == VOLUME_OK && !is_plausible(slots, &choice->current))
        status = VOLUME_MIXED;
    return status;
}

static bool is_anchor(const struct superblock *superblock, const struct volume_anchor *anchor)
{
    return superblock->counter == anchor->counter &&
           CRYPTO_memcmp(superblock->root, anchor->root, VOLUME_DIGEST_SIZE) == 0;
}

/* Why the state that the anchor names is not there. */
static enum volume_status explain(const struct slots *slots, struct device *device,
                                  const struct volume_anchor *anchor)
{
    const struct superblock *highest = slots_highest(slots);
    enum volume_status status;

    if (!highest) {
        status = blank_or_not(slots, device);
        return status == VOLUME_OK ? VOLUME_ERASED : status;
    }
    if (highest->counter == 0)
        return VOLUME_ERASED;
    if (highest->counter < anchor->counter)
        return VOLUME_ROLLED_BACK;
    return highest->counter > anchor->counter ? VOLUME_AHEAD : VOLUME_FORKED;
}

/* A newer state than the anchor's that the same lease wrote: only where commits put such ones, and
 * while the last slot has the anchor's. */
static void choose_same_epoch(const struct slots *slots, const struct volume_anchor *anchor,
                              struct choice *choice)
{
    if (!anchor->same_epoch || !is_version(&slots->places[SLOTS - 1], VOLUME_VERSION) ||
        !is_anchor(&slots->places[SLOTS - 1].superblock, anchor))
        return;
    for (unsigned slot = 0; slot < SLOTS - 1; slot++) {
        const struct superblock *found = &slots->places[slot].superblock;

        if (is_version(&slots->places[slot], VOLUME_VERSION) && found->epoch == anchor->epoch &&
            found->base == anchor->counter && found->counter > choice->current.counter &&
            memcmp(found->volume_id, choice->acknowledged.volume_id, VOLUME_ID_SIZE) == 0) {
            choice->current = *found;
            choice->slot = slot;
        }
    }
}

static enum volume_status choose_anchored(const struct slots *slots, struct device *device,
                                          const struct volume_anchor *anchor, struct choice *choice)
{
    struct superblock old;

    for (unsigned slot = 0; slot < SLOTS; slot++)
        if (is_version(&slots->places[slot], VOLUME_VERSION) &&
            is_anchor(&slots->places[slot].superblock, anchor)) {
            choice->slot = slot;
            choice->current = slots->places[slot].superblock;
            choice->acknowledged = choice->current;
            choose_same_epoch(slots, anchor, choice);
            return VOLUME_OK;
        }
    if (version1_choose(slots->old, device, &old) == VOLUME_OK && is_anchor(&old, anchor)) {
        choice->current = old;
        choice->acknowledged = old;
        return VOLUME_OK;
    }
    return explain(slots, device, anchor);
}

enum volume_status slots_choose(const struct slots *slots, struct device *device,
                                const struct volume_anchor *anchor, struct choice *choice)
{
    memset(choice, 0, sizeof(*choice));
    if (slots->other_version)
        return VOLUME_OTHER_VERSION;
    return anchor ? choose_anchored(slots, device, anchor, choice)
                  : choose_newest(slots, device, choice);
}
