/* SPDX-License-Identifier: MIT */
#include "svsm/params/memory_map.h"

#include "lib/base/reader.h"
#include "lib/base/writer.h"
#include "lib/snp/page.h"

#define ENTRY_MEMORY 0

struct entry {
    uint64_t first_page, pages;
    uint16_t type;
};

static bool read_entry(struct reader *r, struct entry *entry)
{
    return reader_le64(r, &entry->first_page) && reader_le64(r, &entry->pages) &&
           reader_le16(r, &entry->type) && reader_skip(r, 6);
}

/* Turns page numbers into bytes; false when the entry does not lie below limit. */
static bool entry_range(const struct entry *entry, uint64_t limit, struct memory_range *range)
{
    uint64_t limit_pages = limit >> PAGE_SHIFT;

    if (entry->first_page > limit_pages || entry->pages > limit_pages - entry->first_page)
        return false;
    *range = (struct memory_range){entry->first_page << PAGE_SHIFT, entry->pages << PAGE_SHIFT};
    return true;
}

enum status memory_map_parse(struct memory_map *map, const void *page, uint64_t limit)
{
    struct reader r = reader_over(page, MEMORY_MAP_PAGE_SIZE);
    uint64_t last_end = 0;
    struct entry entry;

    map->count = 0;
    while (read_entry(&r, &entry) && entry.pages != 0) {
        struct memory_range range;

        if (!entry_range(&entry, limit, &range) || range.start < last_end)
            return STATUS_BAD_FORMAT;
        last_end = range.start + range.size;
        if (entry.type != ENTRY_MEMORY)
            continue;
        if (map->count == MEMORY_RANGES_MAX)
            return STATUS_OUT_OF_RANGE;
        map->ranges[map->count++] = range;
    }
    return STATUS_OK;
}

static bool contains(const struct memory_range *range, uint64_t start, uint64_t size)
{
    return start >= range->start && size <= range->size &&
           start - range->start <= range->size - size;
}

bool memory_map_covers(const struct memory_map *map, uint64_t start, uint64_t size)
{
    for (size_t i = 0; i < map->count; i++) {
        if (contains(&map->ranges[i], start, size))
            return true;
    }
    return false;
}

enum status memory_map_remove(struct memory_map *map, uint64_t start, uint64_t size)
{
    struct memory_map rest = {0};
    uint64_t end = start + size;

    for (size_t i = 0; i < map->count; i++) {
        uint64_t from = map->ranges[i].start;
        uint64_t to = from + map->ranges[i].size;
        uint64_t below = start < from ? from : start > to ? to : start; /* end of the lower part */
        uint64_t above = end < from ? from : end > to ? to : end; /* start of the upper part */

        if (below >= above) { /* no overlap */
            below = to;
            above = to;
        }
        if (below > from) {
            if (rest.count == MEMORY_RANGES_MAX)
                return STATUS_OUT_OF_RANGE;
            rest.ranges[rest.count++] = (struct memory_range){from, below - from};
        }
        if (to > above) {
            if (rest.count == MEMORY_RANGES_MAX)
                return STATUS_OUT_OF_RANGE;
            rest.ranges[rest.count++] = (struct memory_range){above, to - above};
        }
    }
    *map = rest;
    return STATUS_OK;
}

enum status memory_map_add(struct memory_map *map, uint64_t start, uint64_t size)
{
    size_t at = 0;

    if (map->count == MEMORY_RANGES_MAX)
        return STATUS_OUT_OF_RANGE;
    while (at < map->count && map->ranges[at].start < start)
        at++;
    if (at > 0 && map->ranges[at - 1].start + map->ranges[at - 1].size > start)
        return STATUS_BAD_FORMAT;
    if (at < map->count && map->ranges[at].start < start + size)
        return STATUS_BAD_FORMAT;
    for (size_t i = map->count; i > at; i--)
        map->ranges[i] = map->ranges[i - 1];
    map->ranges[at] = (struct memory_range){start, size};
    map->count++;
    return STATUS_OK;
}

uint64_t memory_map_end(const struct memory_map *map)
{
    const struct memory_range *last;

    if (map->count == 0)
        return 0;
    last = &map->ranges[map->count - 1];
    return last->start + last->size;
}

enum status memory_map_write(const struct memory_map *map, void *out, size_t max)
{
    struct writer w = writer_over(out, (max + 1) * MEMORY_MAP_ENTRY_SIZE);
    bool fits = map->count <= max;

    for (size_t i = 0; i < map->count && fits; i++)
        fits = writer_le64(&w, map->ranges[i].start >> PAGE_SHIFT) &&
               writer_le64(&w, map->ranges[i].size >> PAGE_SHIFT) &&
               writer_le16(&w, ENTRY_MEMORY) && writer_zeros(&w, 6);
    return fits && writer_zeros(&w, w.room) ? STATUS_OK : STATUS_OUT_OF_RANGE;
}
