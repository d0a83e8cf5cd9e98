/* SPDX-License-Identifier: MIT */
#include "emulator/cpu/npt.h"

#include "emulator/cpu/rmp.h"
#include "emulator/platform/memory.h"

#define PTE_PRESENT 0x1ull
#define PTE_WRITE   0x2ull
#define PTE_USER    0x4ull
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

static uint64_t *new_table(void)
{
    uint64_t *table = host_ptr(pool_page());

    memset(table, 0, PAGE_SIZE);
    return table;
}

static uint64_t table_entry(const uint64_t *table)
{
    return host_pa_of_direct(table).pa | PTE_TABLE;
}

static uint64_t *next_level(uint64_t *entry)
{
    if (!(*entry & PTE_PRESENT))
        *entry = table_entry(new_table());
    return host_ptr(hpa(*entry & PTE_ADDRESS));
}

static void set(struct view *view, gpa_t page, uint64_t pte)
{
    uint64_t *pd, *pt;

    if (page.v >= VIEW_SIZE)
        return;
    pd = next_level(&view->pdpt[page.v >> 30 & 511]);
    pt = next_level(&pd[page.v >> 21 & 511]);

    pt[page.v >> 12 & 511] = pte;
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

    if ((flags & RMP_ASSIGNED) && !(flags & RMP_TABLE))
        return 0;
    return backing.pa | PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_NX;
}

static void sync_private(gpa_t page, unsigned vmpl)
{
    hpa_t backing;

    if (guest_memory_find(page, &backing))
        set(&private_views[vmpl], page, private_pte(page, backing, vmpl));
}

void npt_sync(gpa_t page)
{
    hpa_t backing;

    if (!guest_memory_find(page, &backing))
        return;
    set(&shared_view, page, shared_pte(page, backing));
    for (unsigned vmpl = 0; vmpl < VMPL_COUNT; vmpl++)
        if (private_views[vmpl].pdpt)
            sync_private(page, vmpl);
}

static void for_all_pages(void (*sync)(gpa_t page, unsigned vmpl), unsigned vmpl)
{
    size_t count;
    const struct guest_ram_region *regions = guest_memory_regions(&count);

    for (size_t i = 0; i < count; i++)
        for (uint64_t offset = 0; offset < regions[i].size; offset += PAGE_SIZE)
            sync(gpa(regions[i].start.v + offset), vmpl);
}

static void sync_shared(gpa_t page, unsigned vmpl)
{
    (void)vmpl;
    npt_sync(page);
}

void npt_init(void)
{
    shared_view.pdpt = new_table();
    for_all_pages(sync_shared, 0);
}

static void build_view(unsigned vmpl)
{
    uint64_t *paged = new_table(), *unpaged = new_table();

    private_views[vmpl].pdpt = new_table();
    for_all_pages(sync_private, vmpl);
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
