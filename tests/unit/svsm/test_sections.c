/* SPDX-License-Identifier: MIT */
#include "svsm/guest/sections.h"
#include "tests/unit/registered.h"

TEST(the_sections_of_ovmf_become_disjoint_runs)
{
    static const struct boot_section sections[] = {
        {0x800000, 0x9000, BOOT_SECTION_SEC_MEM},
        {0x80A000, 0x3000, BOOT_SECTION_SEC_MEM},
        {0x80D000, 0x1000, BOOT_SECTION_SECRETS},
        {0x80E000, 0x1000, BOOT_SECTION_CPUID},
        {0x80F000, 0x1000, BOOT_SECTION_SVSM_CAA},
        {0x811000, 0x1F000, BOOT_SECTION_SEC_MEM},
        {0x810000, 0x1000, BOOT_SECTION_KERNEL_HASHES},
        {0x812000, 0x1000, BOOT_SECTION_IGVM_PARAMETER},
        {0x812000, 0xC0, BOOT_SECTION_IGVM_MEMORY_MAP},
        {0x8120C0, 4, BOOT_SECTION_IGVM_VP_COUNT},
        {0x813000, 0x1000, BOOT_SECTION_IGVM_HOB},
    };
    struct section_pages pages;

    assert_int_equal(sections_merge(sections, 11, &pages), STATUS_OK);
    assert_int_equal(pages.count, 2);
    assert_int_equal(pages.ranges[0].start, 0x800000); /* without 0x809000, the firmware's GHCB */
    assert_int_equal(pages.ranges[0].size, 0x9000);
    assert_int_equal(pages.ranges[1].start, 0x80A000);
    assert_int_equal(pages.ranges[1].size, 0x26000);
}

TEST(parts_of_pages_count_as_pages)
{
    static const struct boot_section sections[] = {{0x1800, 0x10, BOOT_SECTION_SEC_MEM},
                                                   {0x1FFF, 2, BOOT_SECTION_SEC_MEM}};
    struct section_pages pages;

    assert_int_equal(sections_merge(sections, 2, &pages), STATUS_OK);
    assert_int_equal(pages.count, 1);
    assert_int_equal(pages.ranges[0].start, 0x1000);
    assert_int_equal(pages.ranges[0].size, 0x2000);
}

TEST(a_late_section_joins_two_runs)
{
    static const struct boot_section sections[] = {{0x5000, 0x1000, BOOT_SECTION_SEC_MEM},
                                                   {0x1000, 0x1000, BOOT_SECTION_SEC_MEM},
                                                   {0x9000, 0x1000, BOOT_SECTION_SEC_MEM},
                                                   {0x2000, 0x3000, BOOT_SECTION_SEC_MEM}};
    struct section_pages pages;

    assert_int_equal(sections_merge(sections, 4, &pages), STATUS_OK);
    assert_int_equal(pages.count, 2);
    assert_int_equal(pages.ranges[0].start, 0x1000);
    assert_int_equal(pages.ranges[0].size, 0x5000);
    assert_int_equal(pages.ranges[1].start, 0x9000);
}

TEST(empty_and_unknown_sections_are_left_out)
{
    static const struct boot_section sections[] = {
        {0x1000, 0, BOOT_SECTION_SEC_MEM}, {0x2000, 0x1000, 5}, {0x3000, 0x1000, 0x7777}};
    struct section_pages pages;

    assert_int_equal(sections_merge(sections, 3, &pages), STATUS_OK);
    assert_int_equal(pages.count, 0);
}

TEST(sections_that_wrap_around_are_refused)
{
    static const struct boot_section section = {UINT64_MAX - 0xFFF, 0x2000, BOOT_SECTION_SEC_MEM};
    struct section_pages pages;

    assert_int_equal(sections_merge(&section, 1, &pages), STATUS_BAD_FORMAT);
    assert_int_equal(sections_merge(&section, BOOT_SECTIONS_MAX + 1, &pages), STATUS_BAD_FORMAT);
}
