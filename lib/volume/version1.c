/* SPDX-License-Identifier: MIT */
#include "lib/volume/version1.h"

#include <string.h>

#include "lib/volume/content.h"

#define COPY_SECTORS    8
#define PAYLOAD_SECTORS (COPIES * COPY_SECTORS)

static uint64_t half_sectors(const struct device *device)
{
    return device->sectors / HALVES;
}

uint64_t version1_sector(const struct device *device, unsigned half, unsigned copy)
{
    return half * half_sectors(device) + copy * COPY_SECTORS;
}

static bool fits(const struct device *device, unsigned half, const struct superblock *superblock)
{
    return superblock->counter % HALVES == half &&
           superblock->table.size <= (half_sectors(device) - PAYLOAD_SECTORS) * SECTOR_SIZE;
}

/* The newer copy of a half's superblock; NULL: there is none. */
static const struct superblock *newest_copy(const struct place copies[COPIES],
                                            const struct device *device, unsigned half)
{
    const struct superblock *newest = NULL;

    for (unsigned copy = 0; copy < COPIES; copy++) {
        const struct superblock *found = &copies[copy].superblock;

        if (copies[copy].authentic && fits(device, half, found) &&
            (!newest || found->counter >= newest->counter))
            newest = found;
    }
    return newest;
}

enum volume_status version1_choose(const struct place old[HALVES][COPIES],
                                   const struct device *device, struct superblock *current)
{
    const struct superblock *halves[HALVES] = {
        newest_copy(old[0], device, 0),
        newest_copy(old[1], device, 1),
    };
    unsigned newest = halves[1] && (!halves[0] || halves[1]->counter > halves[0]->counter);
    const struct superblock *previous = halves[1 - newest];

    if (!halves[newest])
        return VOLUME_DAMAGED;
    *current = *halves[newest];
    /* Only the first update may have been cut short in a half that never held a superblock. */
    if (!previous)
        return current->counter == 0 && old[1 - newest][1].is_zero ? VOLUME_OK : VOLUME_DAMAGED;
    if (memcmp(previous->volume_id, current->volume_id, VOLUME_ID_SIZE) != 0)
        return VOLUME_FOREIGN;
    return previous->counter + 1 == current->counter ? VOLUME_OK : VOLUME_MIXED;
}

struct content version1_payload(const struct device *device, const struct superblock *superblock)
{
    struct content payload = superblock->table;

    payload.sector = version1_sector(device, superblock->counter % HALVES, 0) + PAYLOAD_SECTORS;
    return payload;
}

bool version1_reaches(const struct device *device, const struct superblock *superblock,
                      uint64_t sector)
{
    struct content payload = version1_payload(device, superblock);

    return payload.sector + content_sectors(payload.size) > sector;
}
