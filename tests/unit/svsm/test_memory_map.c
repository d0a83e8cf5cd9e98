/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "lib/base/writer.h"
#include "svsm/params/memory_map.h"
#include "tests/unit/registered.h"

#define LIMIT 0x0000400000000000ull

enum { MEMORY = 0, RESERVED = 1 };

static uint8_t page[MEMORY_MAP_PAGE_SIZE];
static struct writer w;

static int empty_page(void **state)
{
    (void)state;
    memset(page, 0, sizeof(page));
    w = writer_over(page, sizeof(page));
    return 0;
}

static void put(uint64_t first_page, uint64_t pages, uint16_t type)
{
    assert_true(writer_le64(&w, first_page) && writer_le64(&w, pages) && writer_le16(&w, type) &&
                writer_zeros(&w, 6));
}

TEST_SETUP(memory_entries_are_kept_and_others_are_not, empty_page)
{
    struct memory_map map;

    put(0, 0x80000, MEMORY);
    put(0xFEFFC, 4, RESERVED);
    put(0x100000, 0x1000, MEMORY);
    assert_int_equal(memory_map_parse(&map, page, LIMIT), STATUS_OK);
    assert_int_equal(map.count, 2);
    assert_int_equal(map.ranges[1].start, 0x100000000);
    assert_int_equal(memory_map_end(&map), 0x101000000);
}

TEST_SETUP(a_page_without_entries_is_an_empty_map, empty_page)
{
    struct memory_map map;

    assert_int_equal(memory_map_parse(&map, page, LIMIT), STATUS_OK);
    assert_int_equal(map.count, 0);
    assert_int_equal(memory_map_end(&map), 0);
    assert_false(memory_map_covers(&map, 0, 1));
}

TEST_SETUP(a_map_without_a_terminator_ends_with_its_page, empty_page)
{
    struct memory_map map;

    for (unsigned i = 0; i < MEMORY_MAP_PAGE_SIZE / MEMORY_MAP_ENTRY_SIZE; i++)
        put(i * 2, 1, i < MEMORY_RANGES_MAX ? MEMORY : RESERVED);
    assert_int_equal(memory_map_parse(&map, page, LIMIT), STATUS_OK);
    assert_int_equal(map.count, MEMORY_RANGES_MAX);
}

TEST_SETUP(more_memory_entries_than_can_be_kept_are_refused, empty_page)
{
    struct memory_map map;

    for (unsigned i = 0; i <= MEMORY_RANGES_MAX; i++)
        put(i * 2, 1, MEMORY);
    assert_int_equal(memory_map_parse(&map, page, LIMIT), STATUS_OUT_OF_RANGE);
}

TEST_SETUP(overlapping_entries_are_refused, empty_page)
{
    struct memory_map map;

    put(0, 0x100, MEMORY);
    put(0xFF, 1, RESERVED);
    assert_int_equal(memory_map_parse(&map, page, LIMIT), STATUS_BAD_FORMAT);
}

TEST_SETUP(descending_entries_are_refused, empty_page)
{
    struct memory_map map;

    put(0x200, 0x100, MEMORY);
    put(0x100, 0x10, MEMORY);
    assert_int_equal(memory_map_parse(&map, page, LIMIT), STATUS_BAD_FORMAT);
}

TEST_SETUP(entries_that_wrap_around_or_lie_too_high_are_refused, empty_page)
{
    static const struct {
        uint64_t first_page, pages;
    } bad[] = {
        {1, UINT64_MAX},        {UINT64_MAX, 2},        {UINT64_MAX >> 12, 2},
        {0, (LIMIT >> 12) + 1}, {(LIMIT >> 12) + 1, 1}, {1ull << 52, 1},
    };
    struct memory_map map;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        empty_page(state);
        put(bad[i].first_page, bad[i].pages, MEMORY);
        assert_int_equal(memory_map_parse(&map, page, LIMIT), STATUS_BAD_FORMAT);
    }
}

TEST(coverage_needs_a_single_range)
{
    struct memory_map map = {.count = 2, .ranges = {{0, 0x1000}, {0x1000, 0x1000}}};

    assert_true(memory_map_covers(&map, 0x1000, 0x1000));
    assert_false(memory_map_covers(&map, 0x800, 0x1000));
    assert_false(memory_map_covers(&map, 0x1800, UINT64_MAX - 0x1000));
    assert_false(memory_map_covers(&map, UINT64_MAX, 1));
}

TEST(a_hole_splits_a_range)
{
    struct memory_map map = {.count = 2, .ranges = {{0, 0x10000}, {0x20000, 0x1000}}};

    assert_int_equal(memory_map_remove(&map, 0x4000, 0x2000), STATUS_OK);
    assert_int_equal(map.count, 3);
    assert_int_equal(map.ranges[0].size, 0x4000);
    assert_int_equal(map.ranges[1].start, 0x6000);
    assert_int_equal(map.ranges[1].size, 0xA000);
    assert_int_equal(map.ranges[2].start, 0x20000);
}

TEST(a_hole_at_an_edge_shortens_a_range)
{
    struct memory_map map = {.count = 1, .ranges = {{0x1000, 0x3000}}};

    assert_int_equal(memory_map_remove(&map, 0, 0x2000), STATUS_OK);
    assert_int_equal(map.ranges[0].start, 0x2000);
    assert_int_equal(memory_map_remove(&map, 0x3000, 0x1000), STATUS_OK);
    assert_int_equal(map.ranges[0].size, 0x1000);
    assert_int_equal(memory_map_remove(&map, 0, 0x10000), STATUS_OK);
    assert_int_equal(map.count, 0);
}

TEST(a_hole_beside_all_ranges_changes_nothing)
{
    struct memory_map map = {.count = 1, .ranges = {{0x1000, 0x1000}}};

    assert_int_equal(memory_map_remove(&map, 0x2000, 0x1000), STATUS_OK);
    assert_int_equal(memory_map_remove(&map, 0, 0x1000), STATUS_OK);
    assert_int_equal(map.count, 1);
    assert_int_equal(map.ranges[0].start, 0x1000);
    assert_int_equal(map.ranges[0].size, 0x1000);
}

TEST(an_added_range_keeps_the_order_and_may_not_overlap)
{
    struct memory_map map = {.count = 2, .ranges = {{0, 0x1000}, {0x4000, 0x1000}}};

    assert_int_equal(memory_map_add(&map, 0x2000, 0x1000), STATUS_OK);
    assert_int_equal(map.ranges[1].start, 0x2000);
    assert_int_equal(map.ranges[2].start, 0x4000);
    assert_int_equal(memory_map_add(&map, 0x2800, 0x1000), STATUS_BAD_FORMAT);
    assert_int_equal(memory_map_add(&map, 0x3800, 0x1000), STATUS_BAD_FORMAT);
    assert_int_equal(map.count, 3);
}

TEST(the_firmwares_form_ends_with_a_zero_entry)
{
    struct memory_map map = {.count = 2, .ranges = {{0, 0x8000000}, {0xA000000, 0x1000000}}};
    uint8_t out[3 * MEMORY_MAP_ENTRY_SIZE];

    memset(out, 0xAA, sizeof(out));
    assert_int_equal(memory_map_write(&map, out, 2), STATUS_OK);
    assert_int_equal(get_le64(out + 24), 0xA000);
    assert_int_equal(get_le64(out + 32), 0x1000);
    assert_int_equal(get_le64(out + 48), 0);
    assert_int_equal(get_le64(out + 56), 0);
    assert_int_equal(memory_map_write(&map, out, 1), STATUS_OUT_OF_RANGE);
}
