/* SPDX-License-Identifier: MIT */
#include "emulator/cpu/rmp.h"

#include "emulator/platform/cpus.h"
#include "emulator/platform/memory.h"

#define PAGES_PER_LARGE (LARGE_PAGE_SIZE / PAGE_SIZE)

static struct rmp_entry *table;
static rmp_changed *tell;

void rmp_init(rmp_changed *changed)
{
    size_t pages = memory_file_offset(hpa(host_memory.high_end)) / PAGE_SIZE;
    size_t bytes = pages * sizeof(struct rmp_entry);
    hpa_t at = pool_pages((bytes + PAGE_SIZE - 1) / PAGE_SIZE);

    table = host_ptr(at);
    memset(table, 0, bytes);
    tell = changed;
}

static struct rmp_entry *find(gpa_t address)
{
    hpa_t backing;

    if (!guest_memory_find(address, &backing))
        return NULL;
    return &table[memory_file_offset(backing) / PAGE_SIZE];
}

const struct rmp_entry *rmp_find(gpa_t address)
{
    return find(address);
}

static size_t page_count(bool large)
{
    return large ? PAGES_PER_LARGE : 1;
}

static gpa_t nth_page(gpa_t first, size_t n)
{
    return gpa(first.v + n * PAGE_SIZE);
}

/* The consecutive entries of a page or an aligned 2 MiB range, or NULL. */
static struct rmp_entry *find_entries(gpa_t address, bool large)
{
    hpa_t backing;

    if ((address.v & (large ? ~LARGE_PAGE_MASK : ~PAGE_MASK)) ||
        !guest_memory_find_range(address, page_count(large) * PAGE_SIZE, &backing))
        return NULL;
    return &table[memory_file_offset(backing) / PAGE_SIZE];
}

bool rmp_all(gpa_t address, bool large, bool assigned)
{
    const struct rmp_entry *entries = find_entries(address, large);

    for (size_t i = 0; entries && i < page_count(large); i++)
        if (!!(entries[i].flags & RMP_ASSIGNED) != assigned)
            return false;
    return entries;
}

bool rmp_uniform(gpa_t address)
{
    const struct rmp_entry *entries = find_entries(address, true);

    for (size_t i = 1; entries && i < PAGES_PER_LARGE; i++)
        if (entries[i].flags != entries[0].flags ||
            memcmp(entries[i].permissions, entries[0].permissions, VMPL_COUNT) != 0)
            return false;
    return entries;
}

void rmp_psmash(gpa_t address)
{
    const struct rmp_entry *entry = find(address);
    struct rmp_entry *entries;

    if (!entry || !(entry->flags & RMP_LARGE))
        return;
    entries = find_entries(gpa(address.v & LARGE_PAGE_MASK), true);
    for (size_t i = 0; i < PAGES_PER_LARGE; i++)
        entries[i].flags &= (uint8_t)~RMP_LARGE;
}

static bool any_in_use(const struct rmp_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (entries[i].flags & RMP_IN_USE)
            return true;
    return false;
}

static bool update(gpa_t address, bool large, uint8_t flags)
{
    struct rmp_entry *entries = find_entries(address, large);

    if (!entries || any_in_use(entries, page_count(large)))
        return false;
    if (!large)
        rmp_psmash(address);
    for (size_t i = 0; i < page_count(large); i++)
        entries[i] = (struct rmp_entry){.gpa = nth_page(address, i),
                                        .flags = flags,
                                        .permissions = {flags & RMP_ASSIGNED ? RMP_ALL : 0}};
    tell(address, large);
    return true;
}

bool rmp_assign(gpa_t address, bool large)
{
    return update(address, large, (uint8_t)(RMP_ASSIGNED | (large ? RMP_LARGE : 0)));
}

bool rmp_unassign(gpa_t address, bool large)
{
    return update(address, large, 0);
}

void rmp_launch(gpa_t address, enum snp_page_type type)
{
    uint8_t flags = RMP_ASSIGNED | RMP_VALIDATED;

    if (!update(address, false, type == SNP_PAGE_VMSA ? flags | RMP_VMSA : flags))
        die(HOST_EXIT_INTERNAL, "launch of gpa %lx, which is no memory", address.v);
}

void rmp_set_in_use(gpa_t vmsa, bool in_use)
{
    struct rmp_entry *entry = find(vmsa);

    if (in_use)
        entry->flags |= RMP_IN_USE;
    else
        entry->flags &= (uint8_t)~RMP_IN_USE;
}

void rmp_expose(gpa_t page, enum rmp_flag as)
{
    find(page)->flags |= (uint8_t)as;
    tell(gpa_page(page), false);
}

/* The size checks that PVALIDATE and RMPADJUST share; a 4 KiB access to a 2 MiB entry makes the
 * hardware ask the VMM for a PSMASH, which it always grants. */
static enum rmp_status check_size(gpa_t address, bool large)
{
    const struct rmp_entry *entry = find(address);

    if (large && (address.v & ~LARGE_PAGE_MASK))
        return RMP_FAIL_INPUT;
    if (large && !(entry->flags & RMP_LARGE))
        return RMP_FAIL_SIZEMISMATCH;
    if (!large)
        rmp_psmash(address);
    return RMP_SUCCESS;
}

enum rmp_status rmp_pvalidate(gpa_t address, bool large, bool validate, bool *unchanged)
{
    enum rmp_status status = check_size(address, large);
    struct rmp_entry *entries = find_entries(address, large);

    if (status != RMP_SUCCESS)
        return status;
    *unchanged = !!(entries[0].flags & RMP_VALIDATED) == validate;
    if (*unchanged)
        return RMP_SUCCESS;
    for (size_t i = 0; i < page_count(large); i++)
        entries[i].flags ^= RMP_VALIDATED;
    tell(address, large);
    return RMP_SUCCESS;
}

enum rmp_status rmp_adjust(gpa_t address, bool large, unsigned caller_vmpl, uint64_t rdx)
{
    unsigned target = rdx & 0xFF;
    uint8_t permissions = (uint8_t)(rdx >> RMPADJUST_PERMISSIONS_SHIFT);
    bool vmsa = rdx & RMPADJUST_VMSA;
    struct rmp_entry *entries;
    enum rmp_status status;

    if (target >= VMPL_COUNT || (rdx & ~(RMPADJUST_VMSA | 0xFFFFull)))
        return RMP_FAIL_INPUT;
    status = check_size(address, large);
    if (status != RMP_SUCCESS)
        return status;
    entries = find_entries(address, large);
    if (target <= caller_vmpl || (permissions & ~entries[0].permissions[caller_vmpl]))
        return RMP_FAIL_PERMISSION;
    for (size_t i = 0; i < page_count(large); i++) {
        entries[i].permissions[target] = permissions;
        if (caller_vmpl == 0)
            entries[i].flags = (uint8_t)((entries[i].flags & ~RMP_VMSA) | (vmsa ? RMP_VMSA : 0));
    }
    tell(address, large);
    if (!vmsa && any_in_use(entries, page_count(large)))
        host_shootdown(); /* the CPU that runs from it checks that at its next VMRUN */
    return RMP_SUCCESS;
}

bool rmp_allows(gpa_t address, unsigned vmpl, enum rmp_permission access)
{
    const struct rmp_entry *entry = find(address);

    return entry && (entry->flags & RMP_ASSIGNED) && (entry->flags & RMP_VALIDATED) &&
           entry->gpa.v == gpa_page(address).v && (entry->permissions[vmpl] & access) == access;
}
