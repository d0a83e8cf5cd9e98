/* SPDX-License-Identifier: MIT */
/* With strict=1: what a page holds after it changed hands is nothing to rely on (APM vol.
 * 2, 15.36). */
#include "lib/freestanding/string.h"
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/rmp.h"
#include "tests/emulator/runtime/tap.h"

#define WORDS_COMPARED 8

/* Whether the first words are neither what was there nor zeros. */
static bool is_noise(const uint64_t *page, uint64_t was)
{
    for (size_t i = 0; i < WORDS_COMPARED; i++)
        if (page[i] == was || page[i] == 0)
            return false;
    return true;
}

TEST("What was in a private page is not to be read when the host has it")
{
    uint64_t *page = valid_page();

    memset(page, 0x5A, PAGE_SIZE);
    ghcb_msr_psc(gpa_of(page), PSC_SHARED);
    CHECK(is_noise(shared_view(page), 0x5A5A5A5A5A5A5A5A));
}

TEST("What was in a page of the host's is not in it when the guest has it")
{
    uint64_t *page = host_page();

    memset(page, 0x5A, PAGE_SIZE);
    ghcb_msr_psc(gpa_of(page), PSC_PRIVATE);
    pvalidate(private_view(page), SIZE_4K, true);
    CHECK(is_noise(private_view(page), 0x5A5A5A5A5A5A5A5A));
}

TEST("A page of zeros does not stay one")
{
    uint64_t *page = valid_page();

    ghcb_msr_psc(gpa_of(page), PSC_SHARED);
    CHECK(is_noise(shared_view(page), 0));
}

TEST("What was in a page that changed hands by an access with the other C-bit is noise, too")
{
    uint64_t *page = host_page();

    memset(page, 0x5A, PAGE_SIZE);
    try_read(private_view(page));
    CHECK_VC(SVM_EXIT_PAGE_NOT_VALIDATED);
    pvalidate(private_view(page), SIZE_4K, true);
    CHECK(is_noise(private_view(page), 0x5A5A5A5A5A5A5A5A));
}
