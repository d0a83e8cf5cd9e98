/* SPDX-License-Identifier: MIT */
#include "emulator/cpu/guest_memory.h"

#include "emulator/platform/memory.h"

#define GIB4 (4ull << 30)

/* QEMU has no RAM behind the legacy VGA and option ROM window, but guests treat it as memory. */
#define LEGACY_HOLE_START 0xA0000ull
#define LEGACY_HOLE_END   0x100000ull

static struct guest_ram_region regions[GUEST_RAM_REGIONS_MAX];
static size_t region_count;

/* A region that goes on where another ends, in both address spaces, becomes part of it. */
static bool extend(struct guest_ram_region region)
{
    for (size_t i = 0; i < region_count; i++) {
        struct guest_ram_region *before = &regions[i];

        if (before->start.v + before->size == region.start.v &&
            before->backing.pa + before->size == region.backing.pa &&
            before->in_memory_map == region.in_memory_map) {
            before->size += region.size;
            return true;
        }
    }
    return false;
}

static void insert(struct guest_ram_region region)
{
    size_t at = region_count;

    if (extend(region))
        return;
    if (region_count == GUEST_RAM_REGIONS_MAX)
        die(HOST_EXIT_LAUNCH_FAILED, "the launch image needs too many memory regions");
    for (; at > 0 && regions[at - 1].start.v > region.start.v; at--)
        regions[at] = regions[at - 1];
    regions[at] = region;
    region_count++;
}

void guest_memory_init(void)
{
    insert((struct guest_ram_region){gpa(0), LEGACY_HOLE_START, hpa(0), true});
    insert((struct guest_ram_region){gpa(LEGACY_HOLE_START), LEGACY_HOLE_END - LEGACY_HOLE_START,
                                     pool_pages((LEGACY_HOLE_END - LEGACY_HOLE_START) / PAGE_SIZE),
                                     true});
    insert((struct guest_ram_region){gpa(LEGACY_HOLE_END), host_memory.guest_end - LEGACY_HOLE_END,
                                     hpa(LEGACY_HOLE_END), true});
    if (host_memory.high_end > GIB4)
        insert((struct guest_ram_region){gpa(GIB4), host_memory.high_end - GIB4, hpa(GIB4), true});
}

const struct guest_ram_region *guest_memory_regions(size_t *count)
{
    *count = region_count;
    return regions;
}

static const struct guest_ram_region *find_region(gpa_t address)
{
    for (size_t i = 0; i < region_count; i++)
        if (address.v >= regions[i].start.v && address.v - regions[i].start.v < regions[i].size)
            return &regions[i];
    return NULL;
}

void guest_memory_back(gpa_t start, uint64_t size)
{
    for (uint64_t offset = 0; offset < size;) {
        uint64_t at = start.v + offset;
        uint64_t run = 0;

        if (find_region(gpa(at))) {
            offset += PAGE_SIZE;
            continue;
        }
        while (offset + run < size && !find_region(gpa(at + run)))
            run += PAGE_SIZE;
        insert((struct guest_ram_region){gpa(at), run, pool_pages(run / PAGE_SIZE), false});
        offset += run;
    }
}

bool guest_memory_find_range(gpa_t start, uint64_t size, hpa_t *backing)
{
    const struct guest_ram_region *region = find_region(start);

    if (!region || size > region->size - (start.v - region->start.v))
        return false;
    *backing = hpa(region->backing.pa + (start.v - region->start.v));
    return true;
}

bool guest_memory_find(gpa_t address, hpa_t *backing)
{
    return guest_memory_find_range(address, 1, backing);
}
