/* SPDX-License-Identifier: MIT */
#include "lib/volume/space.h"

#include <assert.h>

#include "lib/volume/content.h"

/*
 * The block after a superblock's stays free: version 1 had copies of superblocks there, and a
 * volume on which they still are has not been upgraded whole.
 */
#define SLOT_SECTORS (2 * BLOCK_SECTORS)

#define REGIONS 2

struct region {
    uint64_t first, end;
};

static struct region region_of(const struct device *device, unsigned number)
{
    return (struct region){.first = device_slot(device, number) + SLOT_SECTORS,
                           .end = device_slot(device, number + 1)};
}

static uint64_t blocks_up(uint64_t sectors)
{
    return (sectors + BLOCK_SECTORS - 1) / BLOCK_SECTORS * BLOCK_SECTORS;
}

void space_keep(struct space *space, const struct content *content)
{
    uint64_t sectors = content_sectors(content->size);

    if (sectors == 0)
        return;
    assert(space->count < SPACE_IN_USE_MAX);
    space->in_use[space->count].first = content->sector / BLOCK_SECTORS * BLOCK_SECTORS;
    space->in_use[space->count].end = blocks_up(content->sector + sectors);
    space->count++;
}

void space_keep_state(struct space *space, const struct volume_state *state)
{
    if (state->superblock.version == VOLUME_VERSION) /* in version 1 it is no table */
        space_keep(space, &state->superblock.table);
    for (size_t i = 0; i < state->table.count; i++)
        space_keep(space, &state->table.objects[i].content);
}

/* Something in use that [first, end) overlaps, by its number; space->count: nothing. */
static size_t overlapped(const struct space *space, uint64_t first, uint64_t end)
{
    size_t i = 0;

    while (i < space->count && (space->in_use[i].end <= first || end <= space->in_use[i].first))
        i++;
    return i;
}

static bool find_from_start(const struct space *space, struct region region, uint64_t sectors,
                            uint64_t *sector)
{
    uint64_t at = region.first;

    while (at <= region.end && sectors <= region.end - at) {
        size_t in_the_way = overlapped(space, at, at + sectors);

        if (in_the_way == space->count) {
            *sector = at;
            return true;
        }
        at = space->in_use[in_the_way].end;
    }
    return false;
}

static bool find_from_end(const struct space *space, struct region region, uint64_t sectors,
                          uint64_t *sector)
{
    uint64_t end = region.end;

    while (end >= region.first && sectors <= end - region.first) {
        size_t in_the_way = overlapped(space, end - sectors, end);

        if (in_the_way == space->count) {
            *sector = end - sectors;
            return true;
        }
        end = space->in_use[in_the_way].first;
    }
    return false;
}

bool space_find(const struct space *space, const struct device *device, uint64_t size,
                bool from_the_end, uint64_t *sector)
{
    uint64_t sectors;

    if (size > device->sectors * SECTOR_SIZE)
        return false;
    sectors = blocks_up(content_sectors(size));
    for (unsigned i = 0; i < REGIONS; i++) {
        unsigned number = from_the_end ? REGIONS - 1 - i : i;
        struct region region = region_of(device, number);

        if (from_the_end ? find_from_end(space, region, sectors, sector)
                         : find_from_start(space, region, sectors, sector))
            return true;
    }
    return false;
}

bool space_holds(const struct device *device, const struct content *content)
{
    uint64_t sectors = content_sectors(content->size);

    if (sectors == 0)
        return true;
    for (unsigned i = 0; i < REGIONS; i++) {
        struct region region = region_of(device, i);

        if (content->sector >= region.first && content->sector < region.end &&
            sectors <= region.end - content->sector)
            return true;
    }
    return false;
}
