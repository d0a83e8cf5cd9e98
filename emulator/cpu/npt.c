/* SPDX-License-Identifier: MIT */
#include "emulator/cpu/npt.h"

#include "emulator/cpu/rmp.h"
#include "emulator/cpu/vmcb.h"
#include "emulator/platform/cpus.h"
#include "emulator/platform/memory.h"

#define PTE_PRESENT 0x1ull
#define PTE_WRITE   0x2ull
#define PTE_USER    0x4ull
#define PTE_SEEN    0x60ull /* accessed, dirty: the MMU sets them */
#define PTE_LARGE   0x80ull
#define PTE_NX      (1ull << 63)
#define PTE_TABLE   (PTE_PRESENT | PTE_WRITE | PTE_USER)
#define PTE_ADDRESS 0x000ffffffffff000ull

/* A view maps GPAs below 512 GiB, one PDPT and what hangs on it. What lies above (the VMSA of the
 * launch) is nothing that a guest can reach. */
#define VIEW_SIZE (512ull << 30)

struct view {
    uint64_t *pdpt;
};

static struct view shared_view;
static struct view private_views[VMPL_COUNT];
static hpa_t paged_roots[VMPL_COUNT], unpaged_roots[VMPL_COUNT];

static uint64_t version = 1; /* of the contents of all tables */

/* Tables that a 2 MiB entry has replaced, linked through their first word. Other CPUs may still
 * walk the retired ones. */
static uint64_t *free_tables, *retired_tables;

/* Another CPU may have a translation that the tables no longer give. */
static bool stale;

static uint64_t *new_table(void)
{
    uint64_t *table = free_tables;

    if (table)
        free_tables = (uint64_t *)table[0];
    else
        table = host_ptr(pool_page());
    memset(table, 0, PAGE_SIZE);
    return table;
}

/* Other CPUs walk the tables meanwhile: they find the old entry or the new one, with all that hangs
 * on it. */
static void store(uint64_t *entry, uint64_t value)
{
    if ((*entry & PTE_PRESENT) && ((*entry ^ value) & ~PTE_SEEN))
        stale = true;
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

static uint64_t table_entry(const uint64_t *table)
{
    return host_pa_of_direct(table).pa | PTE_TABLE;
}

static uint64_t *table_of(uint64_t entry)
{
    return host_ptr(hpa(entry & PTE_ADDRESS));
}

static uint64_t *next_level(uint64_t *entry)
{
    if (!(*entry & PTE_PRESENT))
        store(entry, table_entry(new_table()));
    return table_of(*entry);
}

/* Replaces a 2 MiB entry by a table that says the same. */
static void split(uint64_t *entry)
{
    uint64_t *table = new_table();

    for (uint64_t i = 0; i < PAGE_SIZE / sizeof(*table); i++)
        table[i] = (*entry & ~PTE_LARGE) + i * PAGE_SIZE;
    __atomic_store_n(entry, table_entry(table), __ATOMIC_RELEASE);
}

static uint64_t *pd_entry(struct view *view, gpa_t page)
{
    return &next_level(&view->pdpt[page.v >> 30 & 511])[page.v >> 21 & 511];
}

static void set(struct view *view, gpa_t page, uint64_t pte)
{
    uint64_t *entry = pd_entry(view, page);

    if (*entry & PTE_LARGE)
        split(entry);
    store(&next_level(entry)[page.v >> 12 & 511], pte);
}

static void set_large(struct view *view, gpa_t page, uint64_t pte)
{
    uint64_t *entry = pd_entry(view, page), before = *entry;

    store(entry, pte & PTE_PRESENT ? pte | PTE_LARGE : 0);
    if ((before & PTE_PRESENT) && !(before & PTE_LARGE)) {
        uint64_t *table = table_of(before);

        table[0] = (uint64_t)retired_tables;
        retired_tables = table;
    }
}

static uint64_t private_pte(gpa_t page, hpa_t backing, unsigned vmpl)
{
    uint64_t pte = backing.pa | PTE_PRESENT | PTE_USER;

    if (!rmp_allows(page, vmpl, RMP_READ))
        return 0;
    if (rmp_allows(page, vmpl, RMP_WRITE))
        pte |= PTE_WRITE;
    /* One NX bit for both: nested paging cannot tell user from supervisor fetches. */
    if (!rmp_allows(page, vmpl, RMP_EXECUTE_USER) &&
        !rmp_allows(page, vmpl, RMP_EXECUTE_SUPERVISOR))
        pte |= PTE_NX;
    return pte;
}

static uint64_t shared_pte(gpa_t page, hpa_t backing)
{
    uint8_t flags = rmp_find(page)->flags;

    if (!(flags & RMP_ASSIGNED))
        return backing.pa | PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_NX;
    if (!(flags & (RMP_TABLE | RMP_CODE)))
        return 0;
    return backing.pa | PTE_PRESENT | PTE_USER | (flags & RMP_TABLE ? PTE_WRITE : 0) |
           (flags & RMP_CODE ? 0 : PTE_NX);
}

bool npt_allows(gpa_t address, unsigned vmpl, bool private, uint64_t exitinfo1)
{
    gpa_t page = gpa_page(address);
    hpa_t backing;
    uint64_t pte;

    if (page.v >= VIEW_SIZE || !guest_memory_find(page, &backing))
        return false;
    pte = private ? private_pte(page, backing, vmpl) : shared_pte(page, backing);
    return (pte & PTE_PRESENT) && (!(exitinfo1 & NPF_WRITE) || (pte & PTE_WRITE)) &&
           (!(exitinfo1 & NPF_FETCH) || !(pte & PTE_NX));
}

typedef void set_function(struct view *view, gpa_t page, uint64_t pte);

static void sync_views(gpa_t page, hpa_t backing, set_function *set_entry)
{
    set_entry(&shared_view, page, shared_pte(page, backing));
    for (unsigned vmpl = 0; vmpl < VMPL_COUNT; vmpl++)
        if (private_views[vmpl].pdpt)
            set_entry(&private_views[vmpl], page, private_pte(page, backing, vmpl));
}

static void sync(gpa_t page, bool large)
{
    hpa_t backing;

    version++;
    if (page.v >= VIEW_SIZE ||
        !guest_memory_find_range(page, large ? LARGE_PAGE_SIZE : PAGE_SIZE, &backing))
        return;
    if (!large)
        sync_views(page, backing, set);
    else if (!(backing.pa & ~LARGE_PAGE_MASK))
        sync_views(page, backing, set_large);
    else
        for (uint64_t offset = 0; offset < LARGE_PAGE_SIZE; offset += PAGE_SIZE)
            sync_views(gpa(page.v + offset), hpa(backing.pa + offset), set);
}

/* On return no CPU has a translation that the tables do not give. */
static void end_stale(void)
{
    if (!stale)
        return;
    host_shootdown();
    stale = false;
    while (retired_tables) {
        uint64_t *table = retired_tables;

        retired_tables = (uint64_t *)table[0];
        table[0] = (uint64_t)free_tables;
        free_tables = table;
    }
}

void npt_sync(gpa_t page, bool large)
{
    sync(page, large);
    end_stale();
}

/* 2 MiB at a time where possible: a VM of 16 GiB has four million pages. */
static void sync_region(const struct guest_ram_region *region)
{
    uint64_t end = region->start.v + region->size;

    for (uint64_t at = region->start.v; at < end;) {
        bool large = rmp_uniform(gpa(at));

        sync(gpa(at), large);
        at += large ? LARGE_PAGE_SIZE : PAGE_SIZE;
    }
}

uint64_t npt_version(void)
{
    return version;
}

static void sync_all(void)
{
    size_t count;
    const struct guest_ram_region *regions = guest_memory_regions(&count);

    for (size_t i = 0; i < count; i++)
        sync_region(&regions[i]);
    end_stale();
}

void npt_init(void)
{
    shared_view.pdpt = new_table();
    sync_all();
}

static void build_view(unsigned vmpl)
{
    uint64_t *paged = new_table(), *unpaged = new_table();

    private_views[vmpl].pdpt = new_table();
    sync_all();
    paged[0] = table_entry(shared_view.pdpt);
    paged[CBIT >> 39 & 511] = table_entry(private_views[vmpl].pdpt);
    unpaged[0] = table_entry(private_views[vmpl].pdpt);
    paged_roots[vmpl] = host_pa_of_direct(paged);
    unpaged_roots[vmpl] = host_pa_of_direct(unpaged);
}

hpa_t npt_root(unsigned vmpl, bool paging)
{
    if (!private_views[vmpl].pdpt)
        build_view(vmpl);
    return paging ? paged_roots[vmpl] : unpaged_roots[vmpl];
}
