/* SPDX-License-Identifier: MIT */
#include "svsm/mm/shared_memory.h"

#include "lib/freestanding/string.h"
#include "lib/snp/ghcb.h"
#include "svsm/console/panic.h"
#include "svsm/mm/page_allocator.h"
#include "svsm/mm/paging.h"
#include "svsm/sev/msr_protocol.h"
#include "svsm/sev/rmp.h"

static size_t pages_mapped;

struct shared_pages shared_memory_convert(gpa_t start, size_t count)
{
    struct shared_pages pages = {
        .bytes = (volatile uint8_t *)(SHARED_WINDOW + pages_mapped * PAGE_SIZE),
        .gpa = start,
        .size = count * PAGE_SIZE,
    };

    CHECK(count <= SHARED_PAGES_MAX - pages_mapped);
    for (size_t i = 0; i < count; i++) {
        gpa_t page = gpa_add(start, i * PAGE_SIZE);

        rmp_rescind_own(page);
        msr_protocol_page_state(page, PSC_SHARED);
        paging_map_shared(pages_mapped++, page);
    }
    memset((void *)pages.bytes, 0, pages.size);
    return pages;
}

enum status shared_memory_allocate(size_t count, struct shared_pages *pages)
{
    void *private = page_allocate_adjacent(count);

    if (private == NULL)
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
