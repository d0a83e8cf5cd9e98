/* SPDX-License-Identifier: MIT */
#include "svsm/guest/ranges.h"
#include "tests/unit/registered.h"

#define REGION      0x8000000ull
#define REGION_SIZE 0x2000000ull
#define RAM_END     0x20000000ull
#define VMSA        0x3001000ull
#define CAA         0x3005000ull
#define LAUNCH_CAA  0x80F000ull

/* 512 MiB of RAM with the SVSM's region cut out, the firmware, and one vCPU. */
static const struct guest_ranges guest = {
    .memory = {.count = 3,
               .ranges = {{0, REGION},
                          {REGION + REGION_SIZE, RAM_END - REGION - REGION_SIZE},
                          {0xFFC00000, 0x400000}}},
    .vcpus = {{.vmsa = {VMSA}, .caa = {CAA}, .launch_caa = {LAUNCH_CAA}, .in_use = true}},
};

TEST(the_svsms_region_is_refused)
{
    assert_false(guest_range_ok(&guest, gpa(REGION), 1));
    assert_false(guest_range_ok(&guest, gpa(REGION - 8), 9));
    assert_false(guest_range_ok(&guest, gpa(REGION + REGION_SIZE - 1), 2));
    assert_true(guest_range_ok(&guest, gpa(REGION - 8), 8));
    assert_true(guest_range_ok(&guest, gpa(REGION + REGION_SIZE), 8));
}

TEST(a_range_over_the_region_is_refused)
{
    assert_false(guest_range_ok(&guest, gpa(0), RAM_END));
    assert_false(guest_pages_ok(&guest, gpa(REGION), LARGE_PAGE_SIZE));
}

TEST(what_is_not_memory_is_refused)
{
    assert_false(guest_range_ok(&guest, gpa(RAM_END), 1));
    assert_false(guest_range_ok(&guest, gpa(RAM_END - 4), 8));
    assert_false(guest_range_ok(&guest, gpa(0xFEC00000), 4));
    assert_false(guest_range_ok(&guest, gpa(VMSA_LAUNCH_GPA), PAGE_SIZE));
    assert_false(guest_pages_ok(&guest, gpa(VMSA_LAUNCH_GPA), PAGE_SIZE));
    assert_true(guest_range_ok(&guest, gpa(0xFFFFF000), PAGE_SIZE));
}

TEST(an_address_with_the_c_bit_is_refused)
{
    assert_false(guest_range_ok(&guest, gpa(1ull << 47 | 0x1000), 8));
    assert_false(guest_range_ok(&guest, gpa(1ull << 51 | 0x1000), 8));
}

TEST(wrapping_sizes_are_refused)
{
    assert_false(guest_range_ok(&guest, gpa(0x1000), UINT64_MAX));
    assert_false(guest_range_ok(&guest, gpa(UINT64_MAX), 2));
    assert_false(guest_range_ok(&guest, gpa(UINT64_MAX - 7), 8));
    assert_false(guest_range_ok(&guest, gpa(0x1000), 0));
}

TEST(a_vmsa_is_refused)
{
    assert_false(guest_range_ok(&guest, gpa(VMSA + 0xFFF), 1));
    assert_false(guest_range_ok(&guest, gpa(VMSA - 1), 2));
    assert_true(guest_range_ok(&guest, gpa(VMSA - 1), 1));
    assert_true(guest_range_ok(&guest, gpa(VMSA + PAGE_SIZE), 1));
    assert_false(guest_pages_ok(&guest, gpa(VMSA), PAGE_SIZE));
    assert_false(guest_pages_ok(&guest, gpa(VMSA & LARGE_PAGE_MASK), LARGE_PAGE_SIZE));
}

TEST(a_calling_area_keeps_its_first_bytes_and_its_page)
{
    assert_false(guest_range_ok(&guest, gpa(CAA), 1));
    assert_false(guest_range_ok(&guest, gpa(CAA + 7), 1));
    assert_false(guest_range_ok(&guest, gpa(CAA - 1), 2));
    assert_true(guest_range_ok(&guest, gpa(CAA + 8), PAGE_SIZE - 8));
    assert_false(guest_pages_ok(&guest, gpa(CAA), PAGE_SIZE));
    assert_false(guest_range_ok(&guest, gpa(LAUNCH_CAA + 7), 1));
    assert_true(guest_range_ok(&guest, gpa(LAUNCH_CAA + 8), PAGE_SIZE - 8));
    assert_false(guest_pages_ok(&guest, gpa(LAUNCH_CAA), PAGE_SIZE));
}

TEST(page_requests_must_be_aligned_and_of_a_page_size)
{
    assert_true(guest_pages_ok(&guest, gpa(0x5000), PAGE_SIZE));
    assert_false(guest_pages_ok(&guest, gpa(0x5001), PAGE_SIZE));
    assert_false(guest_pages_ok(&guest, gpa(0x5000), LARGE_PAGE_SIZE));
    assert_false(guest_pages_ok(&guest, gpa(0x4000), 0x2000));
    assert_true(guest_pages_ok(&guest, gpa(LARGE_PAGE_SIZE), LARGE_PAGE_SIZE));
}

TEST(a_record_that_is_not_used_protects_nothing)
{
    struct guest_ranges other = guest;

    other.vcpus[0].in_use = false;
    assert_true(guest_range_ok(&other, gpa(VMSA), PAGE_SIZE));
}
