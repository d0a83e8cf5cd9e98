/* SPDX-License-Identifier: MIT */
#include "svsm/mm/page_allocator.h"

#include "lib/freestanding/string.h"
#include "svsm/arch/memory.h"
#include "svsm/base/panic.h"

#define PAGES_MAX 0x10000 /* 256 MiB */

static struct {
    gpa_t start;
    size_t count, free;
    size_t next; /* where the search for a single page starts */
    uint8_t used[PAGES_MAX];
} pool;

enum status page_allocator_init(gpa_t start, gpa_t end)
{
    size_t count = (end.v - start.v) / PAGE_SIZE;

    if (count == 0 || count > PAGES_MAX)
        return STATUS_OUT_OF_RANGE;
    memset(pool.used, 0, count);
    pool.start = start;
    pool.count = count;
    pool.free = count;
    pool.next = 0;
    return STATUS_OK;
}

static void *page_at(size_t index)
{
    return gpa_pointer(gpa_add(pool.start, index * PAGE_SIZE));
}

static bool is_free_run(size_t index, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (pool.used[index + i])
            return false;
    }
    return true;
}

static void *take(size_t index, size_t count)
{
    memset(pool.used + index, 1, count);
    pool.free -= count;
    return page_at(index);
}

void *page_allocate(void)
{
    for (size_t tried = 0; tried < pool.count; tried++) {
        size_t index = (pool.next + tried) % pool.count;

        if (!pool.used[index]) {
            pool.next = (index + 1) % pool.count;
            return take(index, 1);
        }
    }
    return NULL;
}

void *page_allocate_adjacent(size_t count)
{
    for (size_t index = 0; index + count <= pool.count; index++) {
        if (is_free_run(index, count))
            return take(index, count);
    }
    return NULL;
}

void *page_allocate_for_vmsa(void)
{
    for (size_t index = 0; index < pool.count; index++) {
        if (!pool.used[index] && !is_aligned(pool.start.v + index * PAGE_SIZE, LARGE_PAGE_SIZE))
            return take(index, 1);
    }
    return NULL;
}

void page_free(void *page)
{
    size_t index = (direct_gpa(page).v - pool.start.v) / PAGE_SIZE;

    CHECK(index < pool.count && pool.used[index]);
    zero_pages(page, PAGE_SIZE);
    pool.used[index] = 0;
    pool.free++;
}

size_t page_free_count(void)
{
    return pool.free;
}
