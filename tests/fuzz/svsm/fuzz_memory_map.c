/* SPDX-License-Identifier: MIT */
/* The host's memory map: ranges stay ascending and disjoint, whatever is cut out. */
#include <stdint.h>
#include <string.h>

#include "svsm/params/memory_map.h"

#define LIMIT 0x0000400000000000ull

static void require_order(const struct memory_map *map)
{
    uint64_t end = 0;

    for (size_t i = 0; i < map->count; i++) {
        if (map->ranges[i].start < end || map->ranges[i].size == 0)
            __builtin_trap();
        end = map->ranges[i].start + map->ranges[i].size;
        if (end > LIMIT)
            __builtin_trap();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t page[MEMORY_MAP_PAGE_SIZE];
    struct memory_map map;

    memset(page, 0, sizeof(page));
    memcpy(page, data, size < sizeof(page) ? size : sizeof(page));
    if (memory_map_parse(&map, page, LIMIT) != STATUS_OK)
        return 0;
    require_order(&map);
    if (memory_map_remove(&map, 0x8000000, 0x2000000) != STATUS_OK)
        return 0;
    require_order(&map);
    for (size_t i = 0; i < map.count; i++) {
        if (map.ranges[i].start < 0xA000000 && map.ranges[i].start + map.ranges[i].size > 0x8000000)
            __builtin_trap();
    }
    if (memory_map_add(&map, 0xFFC00000, 0x400000) == STATUS_OK)
        require_order(&map);
    return 0;
}
