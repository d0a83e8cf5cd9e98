/* SPDX-License-Identifier: MIT */
/* Pages, the direct map beyond 4 GiB, what the FPU is switched with, and words for statuses. */
#include <string.h>

#include "svsm/arch/cpu.h"
#include "svsm/arch/memory.h"
#include "svsm/arch/paging.h"
#include "svsm/mm/direct_map.h"
#include "svsm/mm/page_allocator.h"
#include "tests/unit/registered.h"
#include "tests/unit/svsm/fake/vm.h"

#define GIB 0x40000000ull

static int start(void **state)
{
    (void)state;
    vm_start();
    return 0;
}

TEST_SETUP(pages_are_zero_distinct_and_conserved, start)
{
    static const uint8_t zeros[PAGE_SIZE];
    size_t before = page_free_count();
    uint8_t *first = page_allocate(), *second = page_allocate();
    uint8_t *run = page_allocate_adjacent(3);

    assert_ptr_not_equal(first, second);
    assert_true(run > second);
    assert_int_equal(page_free_count(), before - 5);
    memset(first, 0x5A, PAGE_SIZE);
    page_free(first);
    assert_memory_equal(first, zeros, PAGE_SIZE);
    assert_int_equal(page_free_count(), before - 4);
    assert_string_equal(ENDS(page_free(first)),
                        "internal error: index < pool.count && pool.used[index]");
    assert_string_equal(ENDS(page_free(gpa_pointer(gpa(0x1000)))),
                        "internal error: index < pool.count && pool.used[index]");
}

TEST_SETUP(a_vmsa_is_never_the_first_page_of_a_large_one, start)
{
    gpa_t large = gpa(FAKE_REGION + LARGE_PAGE_SIZE);

    assert_int_equal(page_allocator_init(large, gpa_add(large, 2 * PAGE_SIZE)), STATUS_OK);
    assert_ptr_equal(page_allocate_for_vmsa(), gpa_pointer(gpa_add(large, PAGE_SIZE)));
    assert_null(page_allocate_for_vmsa());
    assert_int_equal(page_allocator_init(large, large), STATUS_OUT_OF_RANGE);
    assert_int_equal(page_allocator_init(large, gpa_add(large, 0x10001ull * PAGE_SIZE)),
                     STATUS_OUT_OF_RANGE);
}

/* The entry that maps an address with a large page, or 0. */
static uint64_t direct_entry(uint64_t at)
{
    uint64_t entry = paging_root()[ROOT_DIRECT_MAP + at / (512 * GIB)];
    const uint64_t *table;

    if (entry == 0)
        return 0;
    table = gpa_pointer(paging_entry_page(entry));
    entry = table[at / GIB % 512];
    if (entry == 0)
        return 0;
    assert_true(entry & PTE_NX);
    table = gpa_pointer(paging_entry_page(entry));
    return table[at / LARGE_PAGE_SIZE % 512];
}

TEST_SETUP(the_direct_map_grows_to_the_end_of_memory, start)
{
    assert_int_equal(direct_map_extend(6 * GIB + 1), STATUS_OK);
    for (uint64_t at = 4 * GIB; at < 7 * GIB; at += LARGE_PAGE_SIZE) {
        assert_int_equal(paging_entry_page(direct_entry(at)).v, at);
        assert_true(direct_entry(at) & PTE_LARGE);
        assert_false(direct_entry(at) & PTE_USER);
    }
    assert_int_equal(direct_entry(7 * GIB), 0);
    assert_int_equal(direct_map_extend(DIRECT_MAP_MAX + 1), STATUS_OUT_OF_RANGE);
    vm_start();
    assert_int_equal(direct_map_extend(514 * GIB), STATUS_OK);
    assert_int_equal(paging_entry_page(direct_entry(513 * GIB)).v, 513 * GIB);
    while (page_allocate())
        continue;
    assert_int_equal(direct_map_extend(2000 * GIB), STATUS_NO_MEMORY);
}

TEST_SETUP(the_fpu_is_switched_as_the_cpuid_page_says, start)
{
    static uint8_t area[PAGE_SIZE] __attribute__((aligned(64)));
    struct cpuid_page *page = &vm.cpus[0].cpuid.page;

    fpu_init(&vm.cpus[0].fpu, &vm.cpus[0].cpuid);
    assert_false(vm.cpus[0].fpu.has_xsave);
    assert_int_equal(fake.xcr0, 0);
    assert_int_equal(fake.cr4 & (CR4_OSFXSR | CR4_OSXSAVE), CR4_OSFXSR);
    page->entries[0].ecx = 1u << 26;
    page->entries[page->count++] =
        (struct cpuid_entry){.eax_in = 0xD, .xcr0_in = 1, .eax = 7, .ebx = 0x240};
    fpu_init(&vm.cpus[0].fpu, &vm.cpus[0].cpuid);
    assert_true(vm.cpus[0].fpu.has_xsave);
    assert_int_equal(fake.xcr0, 7);
    assert_true(fake.cr4 & CR4_OSXSAVE);
    assert_true(cpuid_read(&vm.cpus[0].cpuid, 1, 0).ecx & 1u << 27);
    fpu_reset(area);
    fpu_save(&vm.cpus[0].fpu, area);
    fpu_restore(&vm.cpus[0].fpu, area);
    assert_int_equal(area[0] | area[1] << 8, 0x37F);
    assert_int_equal(area[24] | area[25] << 8, 0x1F80);
}

TEST_SETUP(each_status_has_words_of_its_own, start)
{
    for (int left = 0; left <= STATUS_NO_RESPONSE; left++) {
        for (int right = 0; right < left; right++)
            assert_string_not_equal(status_text((enum status)left),
                                    status_text((enum status)right));
    }
    assert_string_equal(status_text((enum status)99), "unknown");
}
