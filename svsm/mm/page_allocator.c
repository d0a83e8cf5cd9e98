/* SPDX-License-Identifier: MIT */
#include "svsm/mm/page_allocator.h"

#include "lib/freestanding/string.h"
#include "svsm/arch/memory.h"
#include "svsm/base/panic.h"
#include "svsm/mm/lock.h"

#define PAGES_MAX 0x10000 /* 256 MiB */

static struct {
    gpa_t start;
    size_t count, free;
    size_t next; /* where the search for a single page starts */
    uint8_t used[PAGES_MAX];
} pool;

static struct lock lock = {.rank = LOCK_PAGES}; /* over the pool */

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
    lock.taken = 0;
    return STATUS_OK;
}

static void *page_at(size_t index)
{
    return gpa_pointer(gpa_add(pool.start, index * PAGE_SIZE));
}

static bool is_free_run(size_t index, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (index + i >= pool.count || pool.used[index + i])
            return false;
    }
    return true;
}

/* count adjacent pages, the search starting at page `from` and going round; not_large: none that
 * starts a 2 MiB page. */
static void *take(size_t count, size_t from, bool not_large)
{
    for (size_t tried = 0; tried < pool.count; tried++) {
        size_t index = (from + tried) % pool.count;

        if (!is_free_run(index, count) ||
            (not_large && is_aligned(pool.start.v + index * PAGE_SIZE, LARGE_PAGE_SIZE)))
            continue;
        memset(pool.used + index, 1, count);
        pool.free -= count;
        pool.next = (index + count) % pool.count;
        return page_at(index);
    }
    return NULL;
}

void *page_allocate(void)
{
    void *page;

    lock_take(&lock);
    page = take(1, pool.next, false);
    lock_release(&lock);
    return page;
}

void *page_allocate_adjacent(size_t count)
{
    void *pages;

    lock_take(&lock);
    pages = take(count, 0, false);
    lock_release(&lock);
    return pages;
}

void *page_allocate_for_vmsa(void)
{
    void *page;

    lock_take(&lock);
    page = take(1, 0, true);
    lock_release(&lock);
    return page;
}

void page_free(void *page)
{
    size_t index = (direct_gpa(page).v - pool.start.v) / PAGE_SIZE;

    CHECK(index < pool.count && pool.used[index]);
    zero_pages(page, PAGE_SIZE);
    lock_take(&lock);
    pool.used[index] = 0;
    pool.free++;
    lock_release(&lock);
}

size_t page_free_count(void)
{
    return __atomic_load_n(&pool.free, __ATOMIC_RELAXED);
}
