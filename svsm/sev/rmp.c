/* SPDX-License-Identifier: MIT */
#include "svsm/sev/rmp.h"

#include "lib/freestanding/string.h"
#include "svsm/arch/memory.h"
#include "svsm/base/panic.h"

const char *rmp_result_text(enum rmp_result result)
{
    switch (result) {
    case RMP_DONE:
        return "done";
    case RMP_BAD_INPUT:
        return "bad input";
    case RMP_NO_PERMISSION:
        return "no permission";
    case RMP_WRONG_SIZE:
        return "the host mapped another page size";
    case RMP_FAULTED:
        return "it faulted";
    }
    return "an unknown code";
}

/* Whether the page could be validated with this size; anything unexpected ends the VM. */
static bool try_validate_own(gpa_t page, enum rmp_page_size size)
{
    bool unchanged;
    enum rmp_result result = rmp_validate(page, size, true, &unchanged);

    if (result == RMP_WRONG_SIZE && size == RMP_2M)
        return false;
    if (result != RMP_DONE)
        panic("cannot validate page %lx: %s", page.v, rmp_result_text(result));
    if (unchanged)
        panic("attack: page %lx was validated already", page.v);
    return true;
}

void rmp_validate_own(gpa_t start, uint64_t size)
{
    uint64_t end = start.v + size;

    for (gpa_t page = start; page.v < end;) {
        bool large = is_aligned(page.v, LARGE_PAGE_SIZE) && end - page.v >= LARGE_PAGE_SIZE;

        if (large && try_validate_own(page, RMP_2M)) {
            page = gpa_add(page, LARGE_PAGE_SIZE);
            continue;
        }
        for (uint64_t until = large ? page.v + LARGE_PAGE_SIZE : page.v + PAGE_SIZE; page.v < until;
             page = gpa_add(page, PAGE_SIZE))
            try_validate_own(page, RMP_4K);
    }
    zero_pages(gpa_pointer(start), size);
}

void rmp_rescind_own(gpa_t page)
{
    bool unchanged;
    enum rmp_result result = rmp_validate(page, RMP_4K, false, &unchanged);

    if (result != RMP_DONE)
        panic("cannot rescind page %lx: %s", page.v, rmp_result_text(result));
    if (unchanged)
        panic("attack: page %lx was not validated", page.v);
}

void rmp_grant_own(gpa_t start, uint64_t size, unsigned vmpl)
{
    for (uint64_t offset = 0; offset < size; offset += PAGE_SIZE) {
        gpa_t page = gpa_add(start, offset);
        enum rmp_result result = rmp_adjust(page, RMP_4K, vmpl, RMP_ALL, false);

        if (result != RMP_DONE)
            panic("cannot grant page %lx to VMPL %u: %s", page.v, vmpl, rmp_result_text(result));
    }
}
