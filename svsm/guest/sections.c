/* SPDX-License-Identifier: MIT */
#include "svsm/guest/sections.h"

#include "lib/snp/page.h"

bool section_is_validated(uint32_t type)
{
    switch (type) {
    case BOOT_SECTION_SEC_MEM:
    case BOOT_SECTION_SECRETS:
    case BOOT_SECTION_CPUID:
    case BOOT_SECTION_SVSM_CAA:
    case BOOT_SECTION_KERNEL_HASHES:
    case BOOT_SECTION_IGVM_PARAMETER:
    case BOOT_SECTION_IGVM_HOB:
        return true;
    default:
        return false; /* 0x101 and 0x102 are byte addresses inside another section */
    }
}

static uint64_t range_end(const struct memory_range *range)
{
    return range->start + range->size;
}

/* Widens *range by other when they overlap or touch. */
static bool join(struct memory_range *range, const struct memory_range *other)
{
    uint64_t start = range->start < other->start ? range->start : other->start;
    uint64_t end = range_end(range) > range_end(other) ? range_end(range) : range_end(other);

    if (other->start > range_end(range) || range->start > range_end(other))
        return false;
    *range = (struct memory_range){start, end - start};
    return true;
}

/* Inserts a range, swallowing all that it joins; the result stays ascending. */
static void insert(struct section_pages *pages, struct memory_range range)
{
    size_t kept = 0;
    size_t at;

    for (size_t i = 0; i < pages->count; i++) {
        if (!join(&range, &pages->ranges[i]))
            pages->ranges[kept++] = pages->ranges[i];
    }
    for (at = kept; at > 0 && pages->ranges[at - 1].start > range.start; at--)
        pages->ranges[at] = pages->ranges[at - 1];
    pages->ranges[at] = range;
    pages->count = kept + 1;
}

enum status sections_merge(const struct boot_section *sections, size_t count,
                           struct section_pages *pages)
{
    pages->count = 0;
    if (count > BOOT_SECTIONS_MAX)
        return STATUS_BAD_FORMAT;
    for (size_t i = 0; i < count; i++) {
        uint64_t start = sections[i].gpa & PAGE_MASK;
        uint64_t end = sections[i].gpa + sections[i].size + PAGE_SIZE - 1;

        if (!section_is_validated(sections[i].type) || sections[i].size == 0)
            continue;
        if (end < start)
            return STATUS_BAD_FORMAT;
        insert(pages, (struct memory_range){start, (end & PAGE_MASK) - start});
    }
    return STATUS_OK;
}

const struct boot_section *section_find(const struct boot_section *sections, size_t count,
                                        uint32_t type)
{
    for (size_t i = 0; i < count && i < BOOT_SECTIONS_MAX; i++) {
        if (sections[i].type == type)
            return &sections[i];
    }
    return NULL;
}
