/* SPDX-License-Identifier: MIT */
#include "svsm/sev/shared_memory.h"

#include "lib/freestanding/string.h"
#include "lib/snp/ghcb.h"
#include "svsm/arch/memory.h"
#include "svsm/arch/paging.h"
#include "svsm/base/panic.h"
#include "svsm/mm/page_allocator.h"
#include "svsm/sev/msr_protocol.h"
#include "svsm/sev/rmp.h"

struct shared_pages shared_memory_convert(gpa_t start, size_t count)
{
    struct shared_pages pages = {.gpa = start, .size = count * PAGE_SIZE};

    for (size_t i = 0; i < count; i++) {
        gpa_t page = gpa_add(start, i * PAGE_SIZE);
        volatile void *shown;

        rmp_rescind_own(page);
        msr_protocol_page_state(page, PSC_SHARED);
        shown = paging_map_shared(page);
        CHECK(shown != NULL);
        if (i == 0)
            pages.bytes = shown;
    }
    memset((void *)pages.bytes, 0, pages.size);
    return pages;
}

enum status shared_memory_allocate(size_t count, struct shared_pages *pages)
{
    void *private = page_allocate_adjacent(count);

    if (!private)
        return STATUS_NO_MEMORY;
    *pages = shared_memory_convert(direct_gpa(private), count);
    return STATUS_OK;
}

void shared_memory_put(const struct shared_pages *to, size_t offset, const void *from, size_t size)
{
    CHECK(offset <= to->size && size <= to->size - offset);
    memcpy((void *)(to->bytes + offset), from, size);
}

void shared_memory_get(const struct shared_pages *from, size_t offset, void *to, size_t size)
{
    CHECK(offset <= from->size && size <= from->size - offset);
    memcpy(to, (const void *)(from->bytes + offset), size);
}
