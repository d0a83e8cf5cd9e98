/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "svsm/sev/cpuid.h"
#include "tests/unit/registered.h"

#define OSXSAVE (1u << 27)

static const struct cpuid_page page = {
    .count = 10,
    .entries =
        {
            {.eax_in = 0, .eax = 0xD, .ebx = 0x68747541},
            {.eax_in = 1, .eax = 0x800F12, .ebx = 0x07000800, .ecx = OSXSAVE | 1},
            {.eax_in = 4, .ecx_in = 0, .eax = 0x40},
            {.eax_in = 4, .ecx_in = 1, .eax = 0x41},
            {.eax_in = 7, .ecx_in = 0, .ecx = 1u << 4},
            {.eax_in = 0xD, .ecx_in = 0, .xcr0_in = 7, .eax = 0xBAD},
            {.eax_in = 0xD, .ecx_in = 0, .xcr0_in = 1, .eax = 7, .ebx = 0x240},
            {.eax_in = 0xD, .ecx_in = 1, .xcr0_in = 1, .eax = 0xF, .ebx = 0x240},
            {.eax_in = 0xD, .ecx_in = 2, .eax = 0x100, .ebx = 0x240},
            {.eax_in = 0x8000001F, .ebx = 51},
        },
};
static const struct cpuid_context bare;
static const struct cpuid_context with_avx = {.os_xsave = true, .xcr0 = 7};

TEST(a_leaf_without_subleaves_ignores_ecx)
{
    assert_int_equal(cpuid_look_up(&page, &bare, 0x8000001F, 77).ebx, 51);
}

TEST(an_indexed_leaf_matches_ecx)
{
    assert_int_equal(cpuid_look_up(&page, &bare, 4, 1).eax, 0x41);
    assert_int_equal(cpuid_look_up(&page, &bare, 4, 2).eax, 0);
}

TEST(what_is_not_in_the_page_is_zero)
{
    struct cpuid_registers r = cpuid_look_up(&page, &bare, 0x40000000, 0);

    assert_int_equal(r.eax | r.ebx | r.ecx | r.edx, 0);
}

TEST(osxsave_follows_the_kernel_and_the_apic_id_is_zero)
{
    assert_int_equal(cpuid_look_up(&page, &bare, 1, 0).ecx, 1);
    assert_int_equal(cpuid_look_up(&page, &with_avx, 1, 0).ecx, OSXSAVE | 1);
    assert_int_equal(cpuid_look_up(&page, &bare, 1, 0).ebx, 0x0800);
}

TEST(protection_keys_are_off)
{
    assert_int_equal(cpuid_look_up(&page, &bare, 7, 0).ecx, 0);
}

TEST(the_xsave_size_is_computed_from_xcr0)
{
    assert_int_equal(cpuid_look_up(&page, &with_avx, 0xD, 0).eax, 7);
    assert_int_equal(cpuid_look_up(&page, &with_avx, 0xD, 0).ebx, 0x340);
    assert_int_equal(cpuid_look_up(&page, &bare, 0xD, 0).ebx, 0x240);
    assert_int_equal(cpuid_look_up(&page, &with_avx, 0xD, 1).ebx, 0x340);
}

TEST(a_hostile_count_is_refused_and_never_followed)
{
    static struct cpuid_page hostile;
    static struct cpuid kept;

    hostile = page;
    hostile.count = UINT32_MAX;
    assert_int_equal(cpuid_init(&kept, &hostile), STATUS_BAD_FORMAT);
    assert_int_equal(cpuid_look_up(&hostile, &bare, 0x12345678, 0).eax, 0);
    hostile.count = 0;
    assert_int_equal(cpuid_init(&kept, &hostile), STATUS_BAD_FORMAT);
}
