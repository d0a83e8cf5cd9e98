/* SPDX-License-Identifier: MIT */
#include "svsm/requests/pvalidate_list.h"

#define LIST_ALIGNMENT 8
#define ENTRY_SIZE     8
#define SIZE_4K        0
#define SIZE_2M        1

bool pvalidate_header_ok(gpa_t list, const struct svsm_pvalidate_list *header)
{
    uint64_t room = PAGE_SIZE - list.v % PAGE_SIZE;

    return is_aligned(list.v, LIST_ALIGNMENT) && header->entries > 0 &&
           header->next < header->entries && room >= sizeof(*header) &&
           header->entries <= (room - sizeof(*header)) / ENTRY_SIZE;
}

bool pvalidate_entry_decode(uint64_t raw, struct pvalidate_entry *entry)
{
    uint64_t size = raw & SVSM_PVALIDATE_SIZE_MASK;

    if ((raw & SVSM_PVALIDATE_RESERVED) || (size != SIZE_4K && size != SIZE_2M))
        return false;
    *entry = (struct pvalidate_entry){
        .page = gpa(raw & PAGE_MASK),
        .size = size == SIZE_2M ? LARGE_PAGE_SIZE : PAGE_SIZE,
        .validate = (raw & SVSM_PVALIDATE_ACTION) != 0,
        .ignore_unchanged = (raw & SVSM_PVALIDATE_IGNORE_CF) != 0,
    };
    return is_aligned(entry->page.v, entry->size);
}
