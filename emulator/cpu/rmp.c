/* SPDX-License-Identifier: MIT */
#include "emulator/cpu/rmp.h"

#include "emulator/cpu/npt.h"
#include "emulator/platform/memory.h"

#define PAGES_PER_LARGE (LARGE_PAGE_SIZE / PAGE_SIZE)

static struct rmp_entry *table;

void rmp_init(void)
{
    size_t pages = memory_file_offset(hpa(host_memory.high_end)) / PAGE_SIZE;
    size_t bytes = pages * sizeof(struct rmp_entry);
    hpa_t at = pool_pages((bytes + PAGE_SIZE - 1) / PAGE_SIZE);

    table = host_ptr(at);
    memset(table, 0, bytes);
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

/* Whether the page or all pages of the 2 MiB range are RAM (and, for 2 MiB, aligned). */
static bool range_is_ram(gpa_t address, bool large)
{
    if (address.v & (large ? ~LARGE_PAGE_MASK : ~PAGE_MASK))
        return false;
    for (size_t i = 0; i < page_count(large); i++)
        if (!find(nth_page(address, i)))
            return false;
    return true;
}

void rmp_psmash(gpa_t address)
{
    gpa_t first = gpa(address.v & LARGE_PAGE_MASK);
    struct rmp_entry *entry = find(address);

    if (!entry || !(entry->flags & RMP_LARGE))
        return;
    for (size_t i = 0; i < PAGES_PER_LARGE; i++)
        find(nth_page(first, i))->flags &= (uint8_t)~RMP_LARGE;
}

static void update(gpa_t page, uint8_t flags)
{
    struct rmp_entry *entry = find(page);

    *entry = (struct rmp_entry){.gpa = page, .flags = flags};
    if (flags & RMP_ASSIGNED)
        entry->permissions[0] = RMP_ALL;
    npt_sync(page);
}

bool rmp_assign(gpa_t address, bool large)
{
    if (!range_is_ram(address, large))
        return false;
    if (!large)
        rmp_psmash(address);
    for (size_t i = 0; i < page_count(large); i++)
        update(nth_page(address, i), (uint8_t)(RMP_ASSIGNED | (large ? RMP_LARGE : 0)));
    return true;
}

bool rmp_unassign(gpa_t address, bool large)
{
    if (!range_is_ram(address, large))
        return false;
    rmp_psmash(address);
    for (size_t i = 0; i < page_count(large); i++)
        update(nth_page(address, i), 0);
    return true;
}

void rmp_launch(gpa_t address, enum snp_page_type type)
{
    rmp_psmash(address);
    update(address,
           (uint8_t)(RMP_ASSIGNED | RMP_VALIDATED | (type == SNP_PAGE_VMSA ? RMP_VMSA : 0)));
}

void rmp_expose_table(gpa_t page)
{
    find(page)->flags |= RMP_TABLE;
    npt_sync(gpa_page(page));
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

    if (status != RMP_SUCCESS)
        return status;
    *unchanged = !!(find(address)->flags & RMP_VALIDATED) == validate;
    if (*unchanged)
        return RMP_SUCCESS;
    for (size_t i = 0; i < page_count(large); i++) {
        struct rmp_entry *entry = find(nth_page(address, i));

        entry->flags ^= RMP_VALIDATED;
        npt_sync(nth_page(address, i));
    }
    return RMP_SUCCESS;
}

enum rmp_status rmp_adjust(gpa_t address, bool large, unsigned caller_vmpl, uint64_t rdx)
{
    unsigned target = rdx & 0xFF;
    uint8_t permissions = (uint8_t)(rdx >> RMPADJUST_PERMISSIONS_SHIFT);
    bool vmsa = rdx & RMPADJUST_VMSA;
    enum rmp_status status;

    if (target >= VMPL_COUNT || (rdx & ~(RMPADJUST_VMSA | 0xFFFFull)))
        return RMP_FAIL_INPUT;
    status = check_size(address, large);
    if (status != RMP_SUCCESS)
        return status;
    if (target <= caller_vmpl || (permissions & ~find(address)->permissions[caller_vmpl]))
        return RMP_FAIL_PERMISSION;
    for (size_t i = 0; i < page_count(large); i++) {
        struct rmp_entry *entry = find(nth_page(address, i));

        entry->permissions[target] = permissions;
        if (caller_vmpl == 0)
            entry->flags = (uint8_t)((entry->flags & ~RMP_VMSA) | (vmsa ? RMP_VMSA : 0));
        npt_sync(nth_page(address, i));
    }
    return RMP_SUCCESS;
}

bool rmp_allows(gpa_t address, unsigned vmpl, enum rmp_permission access)
{
    const struct rmp_entry *entry = find(address);

    return entry && (entry->flags & RMP_ASSIGNED) && (entry->flags & RMP_VALIDATED) &&
           entry->gpa.v == gpa_page(address).v && (entry->permissions[vmpl] & access) == access;
}
