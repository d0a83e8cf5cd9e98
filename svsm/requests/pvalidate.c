/* SPDX-License-Identifier: MIT */
/* SVSM_CORE_PVALIDATE: the guest's pages change between private and shared (58019, section 7.2). */
#include "lib/freestanding/string.h"
#include "svsm/arch/memory.h"
#include "svsm/base/panic.h"
#include "svsm/guest/access.h"
#include "svsm/guest/tlb.h"
#include "svsm/requests/call.h"
#include "svsm/requests/pvalidate_list.h"

static enum rmp_page_size rmp_size(const struct pvalidate_entry *entry)
{
    return entry->size == LARGE_PAGE_SIZE ? RMP_2M : RMP_4K;
}

/*
 * Fresh private pages may hold anything, bytes of the SVSM's own memory included: the host can put
 * any page of this VM at any address, and it still decrypts. So all of it is written before anybody
 * else may read it, the PC's ROM range too; a host that maps that read-only refuses service.
 */
static uint64_t validate(const struct guest *guest, const struct pvalidate_entry *entry)
{
    bool unchanged;
    enum rmp_result result = rmp_validate(entry->page, rmp_size(entry), true, &unchanged);

    if (result != RMP_DONE)
        return svsm_rmp_result(result);
    if (unchanged && !entry->ignore_unchanged)
        return SVSM_ERR_PROTOCOL + SVSM_PVALIDATE_UNCHANGED;
    zero_pages(gpa_pointer(entry->page), entry->size);
    return svsm_rmp_result(rmp_adjust(entry->page, rmp_size(entry), guest->vmpl, RMP_ALL, false));
}

/* Takes all permissions from the guest's VMPL and those above; returns the first failure. */
static enum rmp_result revoke(const struct guest *guest, const struct pvalidate_entry *entry)
{
    enum rmp_result result = RMP_DONE;

    for (unsigned vmpl = guest->vmpl; vmpl < VMPL_COUNT && result == RMP_DONE; vmpl++)
        result = rmp_adjust(entry->page, rmp_size(entry), vmpl, 0, false);
    return result;
}

/*
 * The guest's access ends before the page can get another owner. RMPADJUST faults when the page is
 * not validated, and then there is no access to end; if PVALIDATE finds that it was, the fault was
 * none of the CPU's.
 */
static uint64_t rescind(const struct guest *guest, const struct pvalidate_entry *entry)
{
    bool unchanged;
    enum rmp_result revoked = revoke(guest, entry);
    enum rmp_result result;

    if (revoked != RMP_DONE && revoked != RMP_FAULTED)
        return svsm_rmp_result(revoked);
    result = rmp_validate(entry->page, rmp_size(entry), false, &unchanged);
    guest_flush_tlb(&guest->ranges);
    if (result != RMP_DONE)
        return svsm_rmp_result(result);
    if (revoked == RMP_FAULTED && !unchanged)
        panic("attack: the host injected a fault while page %lx was taken from the guest",
              entry->page.v);
    if (unchanged && !entry->ignore_unchanged)
        return SVSM_ERR_PROTOCOL + SVSM_PVALIDATE_UNCHANGED;
    return SVSM_SUCCESS;
}

/* Two vCPUs may name the same page at once: the steps for it are not mixed. */
static uint64_t change(struct guest *guest, const struct pvalidate_entry *entry)
{
    struct lock *lock = guest_page_lock(&guest->ranges, entry->page);
    uint64_t result;

    lock_take(lock);
    result = entry->validate ? validate(guest, entry) : rescind(guest, entry);
    lock_release(lock);
    return result;
}

static uint64_t process_entry(struct guest *guest, uint64_t raw)
{
    struct pvalidate_entry entry;
    uint64_t result = SVSM_ERR_INVALID_ADDRESS;

    if (!pvalidate_entry_decode(raw, &entry))
        return SVSM_ERR_INVALID_PARAMETER;
    lock_read(&guest->ranges.lock);
    if (guest_pages_ok(&guest->ranges, entry.page, entry.size))
        result = change(guest, &entry);
    lock_read_release(&guest->ranges.lock);
    return result;
}

uint64_t core_pvalidate(struct guest *guest, gpa_t list)
{
    struct svsm_pvalidate_list header;
    uint64_t result = SVSM_SUCCESS;
    uint16_t next;

    if (!is_aligned(list.v, sizeof(uint64_t)))
        return SVSM_ERR_INVALID_PARAMETER;
    if (guest_read(&guest->ranges, &header, list, sizeof(header)) != STATUS_OK)
        return SVSM_ERR_INVALID_ADDRESS;
    if (!pvalidate_header_ok(list, &header))
        return SVSM_ERR_INVALID_PARAMETER;

    for (next = header.next; next < header.entries && result == SVSM_SUCCESS;) {
        gpa_t at = gpa_add(list, sizeof(header) + next * sizeof(uint64_t));
        uint64_t raw;

        if (guest_read(&guest->ranges, &raw, at, sizeof(raw)) != STATUS_OK)
            result = SVSM_ERR_INVALID_ADDRESS;
        else
            result = process_entry(guest, raw);
        if (result == SVSM_SUCCESS)
            next++;
    }
    if (guest_write(&guest->ranges, gpa_add(list, offsetof(struct svsm_pvalidate_list, next)),
                    &next, sizeof(next)) != STATUS_OK)
        result = SVSM_ERR_INVALID_ADDRESS;
    return result;
}
