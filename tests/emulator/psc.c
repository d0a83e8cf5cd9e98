/* SPDX-License-Identifier: MIT */
/* Page state change lists (56421, 4.1.6), and what a page is after it changed hands. */
#include "lib/freestanding/string.h"
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/rmp.h"
#include "tests/emulator/runtime/tap.h"

#define SHARED_BUFFER  offsetof(struct ghcb, shared_buffer)
#define BAD_HEADER     0x100000001ull
#define BAD_ENTRY      0x100000002ull
#define NO_MEMORY_HERE 0xD0000000ull

struct list {
    struct psc_header header;
    uint64_t entries[PSC_ENTRIES_MAX];
};

static_assert(sizeof(struct list) == GHCB_SHARED_BUFFER_SIZE,
              "a full list fills the shared buffer");

static struct list *list(void)
{
    return (struct list *)ghcb->shared_buffer;
}

static uint64_t entry(const volatile void *page, uint64_t operation)
{
    return gpa_of(page) | operation << PSC_ENTRY_OPERATION_SHIFT;
}

static uint64_t large_entry(const volatile void *page, uint64_t operation)
{
    return entry(page, operation) | PSC_ENTRY_2M;
}

/* Has the host change the first `count` entries of the list. */
static void change(size_t count)
{
    list()->header = (struct psc_header){.end_entry = (uint16_t)(count - 1)};
    ghcb_begin(GHCB_EXIT_PSC, 0, 0);
    ghcb_set_scratch(SHARED_BUFFER);
    ghcb_exit();
}

static void change_one(uint64_t only)
{
    list()->entries[0] = only;
    change(1);
    CHECK_ANSWER(GHCB_RESULT_OK, 0);
}

TEST("A page goes to the host and comes back, then to be validated")
{
    uint64_t *page = valid_page();

    change_one(entry(page, PSC_SHARED));
    try_write(shared_view(page), 1);
    CHECK_NO_TRAP();
    change_one(entry(page, PSC_PRIVATE));
    try_read(page);
    CHECK_VC(SVM_EXIT_PAGE_NOT_VALIDATED);
    CHECK_PVALIDATE(pvalidate(page, SIZE_4K, true), RMP_SUCCESS, false);
}

TEST("The host goes through the whole list and moves the current entry past its end")
{
    uint8_t *first = valid_page(), *second = valid_page(), *third = valid_page();

    list()->entries[0] = entry(first, PSC_SHARED);
    list()->entries[1] = entry(second, PSC_SHARED);
    list()->entries[2] = entry(third, PSC_SHARED);
    change(3);
    CHECK_ANSWER(GHCB_RESULT_OK, 0);
    CHECK_EQUAL(list()->header.cur_entry, 3);
    CHECK_EQUAL(list()->header.end_entry, 2);
    for (size_t i = 0; i < 3; i++)
        CHECK_EQUAL(list()->entries[i] & PSC_ENTRY_CUR_PAGE_MASK, 1);
    try_read(shared_view(third));
    CHECK_NO_TRAP();
}

TEST("The host starts at the current entry")
{
    uint8_t *first = valid_page(), *second = valid_page();

    list()->entries[0] = entry(first, PSC_SHARED);
    list()->entries[1] = entry(second, PSC_SHARED);
    list()->header = (struct psc_header){.cur_entry = 1, .end_entry = 1};
    ghcb_begin(GHCB_EXIT_PSC, 0, 0);
    ghcb_set_scratch(SHARED_BUFFER);
    ghcb_exit();
    CHECK_ANSWER(GHCB_RESULT_OK, 0);
    CHECK_EQUAL(list()->header.cur_entry, 2);
    try_read(first);
    CHECK_NO_TRAP();
}

TEST("A list may have 253 entries")
{
    void *page = valid_page();

    for (size_t i = 0; i < PSC_ENTRIES_MAX; i++)
        list()->entries[i] = entry(page, i % 2 ? PSC_PRIVATE : PSC_SHARED);
    change(PSC_ENTRIES_MAX);
    CHECK_ANSWER(GHCB_RESULT_OK, 0);
    CHECK_EQUAL(list()->header.cur_entry, PSC_ENTRIES_MAX);
}

TEST("A list of more than 253 entries has a bad header")
{
    list()->entries[0] = entry(valid_page(), PSC_SHARED);
    change(PSC_ENTRIES_MAX + 1);
    CHECK_ANSWER(GHCB_RESULT_OK, BAD_HEADER);
    CHECK_EQUAL(list()->header.cur_entry, 0);
}

TEST("2 MiB go to the host and come back as one RMP entry")
{
    void *large = fresh_large_page();

    pvalidate(large, SIZE_2M, true);
    change_one(large_entry(large, PSC_SHARED));
    CHECK_EQUAL(list()->entries[0] & PSC_ENTRY_CUR_PAGE_MASK, 512);
    try_write(shared_view(nth_page(large, 511)), 1);
    CHECK_NO_TRAP();
    change_one(large_entry(large, PSC_PRIVATE));
    CHECK_EQUAL(list()->entries[0] & PSC_ENTRY_CUR_PAGE_MASK, 512);
    try_read(nth_page(large, 511));
    CHECK_VC(SVM_EXIT_PAGE_NOT_VALIDATED);
    CHECK_PVALIDATE(pvalidate(large, SIZE_2M, true), RMP_SUCCESS, false);
}

TEST("2 MiB of the host's become one RMP entry")
{
    void *large = private_view(host_large_page());

    change_one(large_entry(large, PSC_PRIVATE));
    CHECK_PVALIDATE(pvalidate(large, SIZE_2M, true), RMP_SUCCESS, false);
    CHECK_EQUAL(rmpquery(large, 1).size, SIZE_2M);
}

TEST("2 MiB of the host's, given page by page, become 4 KiB RMP entries")
{
    void *large = private_view(host_large_page());

    for (size_t i = 0; i < 512; i++)
        change_one(entry(nth_page(large, i), PSC_PRIVATE));
    CHECK_PVALIDATE(pvalidate(large, SIZE_2M, true), RMP_FAIL_SIZEMISMATCH, false);
    CHECK_PVALIDATE(pvalidate(large, SIZE_4K, true), RMP_SUCCESS, false);
}

TEST("One page of 2 MiB that goes to the host leaves the others validated")
{
    void *large = fresh_large_page();

    pvalidate(large, SIZE_2M, true);
    change_one(entry(nth_page(large, 9), PSC_SHARED));
    try_write(nth_page(large, 8), 1);
    CHECK_NO_TRAP();
    try_write(nth_page(large, 10), 1);
    CHECK_NO_TRAP();
    CHECK_EQUAL(rmpquery(large, 1).size, SIZE_4K);
}

TEST("2 MiB of which the host has one page already go to the host whole")
{
    void *large = fresh_large_page();

    pvalidate(large, SIZE_2M, true);
    change_one(entry(nth_page(large, 9), PSC_SHARED));
    change_one(large_entry(large, PSC_SHARED));
    for (size_t i = 0; i < 512; i++) {
        try_write(shared_view(nth_page(large, i)), 1);
        CHECK_NO_TRAP();
    }
    change_one(large_entry(large, PSC_PRIVATE));
    CHECK_PVALIDATE(pvalidate(large, SIZE_2M, true), RMP_SUCCESS, false);
}

TEST("A misaligned entry of 2 MiB is bad, and the current entry stays there")
{
    uint8_t *before = valid_page(), *after = valid_page();
    void *large = fresh_large_page();

    list()->entries[0] = entry(before, PSC_SHARED);
    list()->entries[1] = large_entry(nth_page(large, 1), PSC_SHARED);
    list()->entries[2] = entry(after, PSC_SHARED);
    change(3);
    CHECK_ANSWER(GHCB_RESULT_OK, BAD_ENTRY);
    CHECK_EQUAL(list()->header.cur_entry, 1);
    try_read(shared_view(before));
    CHECK_NO_TRAP();
    try_read(after);
    CHECK_NO_TRAP();
}

TEST("An entry for a GPA without memory fails")
{
    list()->entries[0] = entry((void *)NO_MEMORY_HERE, PSC_PRIVATE);
    change(1);
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
    CHECK(ghcb->sw_exitinfo2 != 0);
    CHECK_EQUAL(list()->header.cur_entry, 0);
}

TEST("PSMASH and UNSMASH are hints that change no owner")
{
    void *large = fresh_large_page();

    pvalidate(large, SIZE_2M, true);
    change_one(large_entry(large, PSC_PSMASH));
    change_one(large_entry(large, PSC_UNSMASH));
    try_read(nth_page(large, 3));
    CHECK_NO_TRAP();
}

TEST("A page that already is what it shall become stays as it is")
{
    uint64_t *page = valid_page();

    *page = 0x5A5A;
    change_one(entry(page, PSC_PRIVATE));
    CHECK_EQUAL(try_read(page), 0x5A5A);
    CHECK_NO_TRAP();
}

static bool all_zero(const uint64_t *page)
{
    for (size_t i = 0; i < PAGE_SIZE / sizeof(*page); i++)
        if (page[i] != 0)
            return false;
    return true;
}

TEST("A page that goes to the host holds zeros, by whichever way it goes")
{
    uint64_t *by_list = valid_page(), *by_msr = valid_page(), *large = fresh_large_page();

    memset(by_list, 0x5A, PAGE_SIZE);
    change_one(entry(by_list, PSC_SHARED));
    CHECK(all_zero(shared_view(by_list)));
    memset(by_msr, 0x5A, PAGE_SIZE);
    ghcb_msr_psc(gpa_of(by_msr), PSC_SHARED);
    CHECK(all_zero(shared_view(by_msr)));
    pvalidate(large, SIZE_2M, true);
    memset(large, 0x5A, LARGE_PAGE_SIZE);
    change_one(large_entry(large, PSC_SHARED));
    for (size_t i = 0; i < 512; i++)
        CHECK(all_zero(shared_view(nth_page(large, i))));
}

TEST("A list without SW_SCRATCH is malformed: missing input")
{
    ghcb_request(GHCB_EXIT_PSC, 0, 0);
    CHECK_MALFORMED(GHCB_ERR_MISSING_INPUT);
}

TEST("A list outside the shared buffer is malformed: invalid scratch area")
{
    ghcb_begin(GHCB_EXIT_PSC, 0, 0);
    GHCB_SET(sw_scratch, gpa_of(host_page()));
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_INVALID_SCRATCH);
}
