/* SPDX-License-Identifier: MIT */
#include "svsm/mm/address_space.h"

#include "lib/freestanding/string.h"
#include "svsm/arch/memory.h"
#include "svsm/arch/paging.h"
#include "svsm/mm/page_allocator.h"

#define LEVELS 4

static unsigned index_at(uint64_t address, unsigned level)
{
    return address >> (PAGE_SHIFT + 9 * level) & (PAGE_TABLE_ENTRIES - 1);
}

static uint64_t *table_of(uint64_t entry)
{
    return gpa_pointer(paging_entry_page(entry));
}

/* The leaf entry for an address; NULL when its table does not exist (or could not be made). */
static uint64_t *leaf(struct address_space *space, uint64_t address, bool make)
{
    uint64_t *table = space->root;

    for (unsigned level = LEVELS - 1; level > 0; level--) {
        uint64_t *entry = &table[index_at(address, level)];

        if (*entry == 0) {
            void *fresh = make ? page_allocate() : NULL;

            if (!fresh)
                return NULL;
            *entry = paging_entry(direct_gpa(fresh), PTE_PRESENT | PTE_WRITABLE | PTE_USER);
        }
        table = table_of(*entry);
    }
    return &table[index_at(address, 0)];
}

static bool is_user_range(uva_t start, uint64_t size)
{
    return start.v < USER_END && size <= USER_END - start.v;
}

static bool is_user_page_range(uva_t start, uint64_t size)
{
    return is_user_range(start, size) && is_aligned(start.v, PAGE_SIZE) &&
           is_aligned(size, PAGE_SIZE) && start.v != 0;
}

/* A page without any right keeps its entry, not present. */
static uint64_t protection_flags(struct protection protection)
{
    bool any = protection.read || protection.write || protection.execute;

    return (any ? PTE_PRESENT : 0) | PTE_USER | (protection.write ? PTE_WRITABLE : 0) |
           (protection.execute ? 0 : PTE_NX);
}

enum status address_space_init(struct address_space *space, size_t pages_max)
{
    *space = (struct address_space){.root = page_allocate(), .pages_max = pages_max};
    if (!space->root)
        return STATUS_NO_MEMORY;
    memcpy(space->root + ROOT_DIRECT_MAP, paging_root() + ROOT_DIRECT_MAP,
           (ROOT_KERNEL + 1 - ROOT_DIRECT_MAP) * sizeof(*space->root));
    return STATUS_OK;
}

static void free_leaf_table(struct address_space *space, uint64_t *table)
{
    for (unsigned i = 0; i < PAGE_TABLE_ENTRIES; i++) {
        if (table[i] & PTE_OWNED) {
            page_free(table_of(table[i]));
            space->pages--;
        }
    }
    page_free(table);
}

static void free_directory(struct address_space *space, uint64_t *directory)
{
    for (unsigned i = 0; i < PAGE_TABLE_ENTRIES; i++) {
        if (directory[i] != 0)
            free_leaf_table(space, table_of(directory[i]));
    }
    page_free(directory);
}

static void free_pdpt(struct address_space *space, uint64_t *pdpt)
{
    for (unsigned i = 0; i < PAGE_TABLE_ENTRIES; i++) {
        if (pdpt[i] != 0)
            free_directory(space, table_of(pdpt[i]));
    }
    page_free(pdpt);
}

void address_space_destroy(struct address_space *space)
{
    paging_load_kernel();
    for (unsigned i = 0; i < ROOT_DIRECT_MAP; i++) {
        if (space->root[i] != 0)
            free_pdpt(space, table_of(space->root[i]));
    }
    page_free(space->root);
    space->root = NULL;
}

void address_space_activate(const struct address_space *space)
{
    paging_load(space->root);
}

static enum status map_one_new(struct address_space *space, uint64_t address, uint64_t flags)
{
    uint64_t *entry = leaf(space, address, true);
    void *page;

    if (!entry || space->pages == space->pages_max)
        return STATUS_NO_MEMORY;
    if (*entry != 0)
        return STATUS_OUT_OF_RANGE;
    page = page_allocate();
    if (!page)
        return STATUS_NO_MEMORY;
    *entry = paging_entry(direct_gpa(page), flags | PTE_OWNED);
    space->pages++;
    return STATUS_OK;
}

enum status address_space_map_new(struct address_space *space, uva_t start, uint64_t size,
                                  struct protection protection)
{
    enum status status = STATUS_OK;
    uint64_t done = 0;

    if (!is_user_page_range(start, size) || protection.execute)
        return STATUS_OUT_OF_RANGE;
    while (done < size && status == STATUS_OK) {
        status = map_one_new(space, start.v + done, protection_flags(protection));
        if (status == STATUS_OK)
            done += PAGE_SIZE;
    }
    if (status != STATUS_OK)
        address_space_unmap(space, start, done);
    return status;
}

enum status address_space_map_in_place(struct address_space *space, uva_t start, gpa_t page,
                                       bool executable)
{
    uint64_t *entry;

    if (!is_user_page_range(start, PAGE_SIZE))
        return STATUS_OUT_OF_RANGE;
    entry = leaf(space, start.v, true);
    if (!entry)
        return STATUS_NO_MEMORY;
    if (*entry != 0)
        return STATUS_OUT_OF_RANGE;
    *entry = paging_entry(
        page, protection_flags((struct protection){.read = true, .execute = executable}));
    return STATUS_OK;
}

enum status address_space_protect(struct address_space *space, uva_t start, uint64_t size,
                                  struct protection protection)
{
    uint64_t flags = protection_flags(protection);

    if (!is_user_page_range(start, size) || (protection.write && protection.execute))
        return STATUS_OUT_OF_RANGE;
    for (uint64_t done = 0; done < size; done += PAGE_SIZE) {
        uint64_t *entry = leaf(space, start.v + done, false);
        uint64_t owned;

        if (!entry || *entry == 0)
            return STATUS_NO_MEMORY;
        owned = *entry & PTE_OWNED;
        if (owned ? protection.execute : protection.write)
            return STATUS_OUT_OF_RANGE;
        *entry = paging_entry(paging_entry_page(*entry), flags | owned);
    }
    paging_flush();
    return STATUS_OK;
}

void address_space_unmap(struct address_space *space, uva_t start, uint64_t size)
{
    for (uint64_t done = 0; done < size; done += PAGE_SIZE) {
        uint64_t *entry = leaf(space, start.v + done, false);

        if (!entry)
            continue;
        if (*entry & PTE_OWNED) {
            page_free(table_of(*entry));
            space->pages--;
        }
        *entry = 0;
    }
    paging_flush();
}

uva_t address_space_find_hole(struct address_space *space, uva_t from, uva_t to, uint64_t size)
{
    uint64_t start = from.v;

    for (uint64_t at = from.v; at < to.v; at += PAGE_SIZE) {
        uint64_t *entry = leaf(space, at, false);

        if (entry && *entry != 0)
            start = at + PAGE_SIZE;
        else if (at + PAGE_SIZE - start >= size)
            return (uva_t){start};
    }
    return (uva_t){0};
}

/* The kernel's view of one byte of the service's memory, and how far it reaches;
 * NULL if no right. */
static uint8_t *user_pointer(struct address_space *space, uint64_t address, bool write,
                             size_t *room)
{
    uint64_t *entry = leaf(space, address, false);
    uint64_t needed = PTE_PRESENT | PTE_USER | (write ? PTE_WRITABLE : 0);

    if (!entry || (*entry & needed) != needed)
        return NULL;
    *room = PAGE_SIZE - address % PAGE_SIZE;
    return (uint8_t *)table_of(*entry) + address % PAGE_SIZE;
}

enum status user_read(struct address_space *space, void *to, uva_t from, size_t size)
{
    uint8_t *next = to;

    if (!is_user_range(from, size))
        return STATUS_FAULT;
    for (size_t done = 0; done < size;) {
        size_t room;
        const uint8_t *page = user_pointer(space, from.v + done, false, &room);

        if (!page)
            return STATUS_FAULT;
        if (room > size - done)
            room = size - done;
        memcpy(next + done, page, room);
        done += room;
    }
    return STATUS_OK;
}

enum status user_write(struct address_space *space, uva_t to, const void *from, size_t size)
{
    const uint8_t *next = from;

    if (!is_user_range(to, size))
        return STATUS_FAULT;
    for (size_t done = 0; done < size;) {
        size_t room;
        uint8_t *page = user_pointer(space, to.v + done, true, &room);

        if (!page)
            return STATUS_FAULT;
        if (room > size - done)
            room = size - done;
        memcpy(page, next + done, room);
        done += room;
    }
    return STATUS_OK;
}
