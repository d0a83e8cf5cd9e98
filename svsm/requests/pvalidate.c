/* SPDX-License-Identifier: MIT */
/* SVSM_CORE_PVALIDATE: the guest's pages change between private and shared (58019, section 7.2). */
#include "lib/freestanding/string.h"
#include "svsm/guest/memory.h"
#include "svsm/guest/tlb.h"
#include "svsm/requests/call.h"
#include "svsm/requests/pvalidate_list.h"
#include "svsm/sev/rmp.h"

static enum rmp_page_size rmp_size(const struct pvalidate_entry *entry)
{
    return entry->size == LARGE_PAGE_SIZE ? RMP_2M : RMP_4K;
}

/*
 * Fresh private pages may hold anything, bytes of the SVSM's own memory included: the host can put
 * any page of this VM at any address, and it still decrypts. So all of it is written before anybody
 * else may read it, the PC's ROM range too; a host that maps that read-only refuses service.
 */
static uint64_t validate(struct guest *guest, const struct pvalidate_entry *entry)
{
    bool unchanged;
    uint32_t code = rmp_validate(entry->page, rmp_size(entry), true, &unchanged);

    if (code == RMP_FAULTED)
        return SVSM_ERR_INVALID_ADDRESS;
    if (code != RMP_SUCCESS)
        return svsm_rmp_error(code);
    if (unchanged && !entry->ignore_unchanged)
        return svsm_rmp_error(SVSM_PVALIDATE_UNCHANGED);
    zero_pages(gpa_pointer(entry->page), entry->size);
    code = rmp_adjust(entry->page, rmp_size(entry), guest->vmpl, RMP_ALL, false);
    return code == RMP_SUCCESS ? SVSM_SUCCESS : svsm_rmp_error(code);
}

/* The guest's access ends before the page can get another owner. */
static uint64_t rescind(struct guest *guest, const struct pvalidate_entry *entry)
{
    bool unchanged;
    uint32_t code = rmp_revoke(entry->page, rmp_size(entry), guest->vmpl);

    /* A fault here means that the page is not validated: nobody can access it. */
    if (code != RMP_SUCCESS && code != RMP_FAULTED)
        return svsm_rmp_error(code);
    code = rmp_validate(entry->page, rmp_size(entry), false, &unchanged);
    guest_flush_tlb(&guest->ranges);
    if (code == RMP_FAULTED)
        return SVSM_ERR_INVALID_ADDRESS;
    if (code != RMP_SUCCESS)
        return svsm_rmp_error(code);
    if (unchanged && !entry->ignore_unchanged)
        return svsm_rmp_error(SVSM_PVALIDATE_UNCHANGED);
    return SVSM_SUCCESS;
}

static uint64_t process_entry(struct guest *guest, uint64_t raw)
{
    struct pvalidate_entry entry;

    if (!pvalidate_entry_decode(raw, &entry))
        return SVSM_ERR_INVALID_PARAMETER;
    if (!guest_pages_ok(&guest->ranges, entry.page, entry.size))
        return SVSM_ERR_INVALID_ADDRESS;
    return entry.validate ? validate(guest, &entry) : rescind(guest, &entry);
}

uint64_t core_pvalidate(struct guest *guest, gpa_t list)
{
    struct svsm_pvalidate_list header;
    uint64_t result = SVSM_SUCCESS;
    uint16_t next;

    if (!is_aligned(list.v, sizeof(uint64_t)))
        return SVSM_ERR_INVALID_PARAMETER;
    if (!guest_range_ok(&guest->ranges, list, sizeof(header)) ||
        guest_read(&header, list, sizeof(header)) != STATUS_OK)
        return SVSM_ERR_INVALID_ADDRESS;
    if (!pvalidate_header_ok(list, &header))
        return SVSM_ERR_INVALID_PARAMETER;
    if (!guest_range_ok(&guest->ranges, list, sizeof(header) + header.entries * sizeof(uint64_t)))
        return SVSM_ERR_INVALID_ADDRESS;

    for (next = header.next; next < header.entries && result == SVSM_SUCCESS;) {
        gpa_t at = gpa_add(list, sizeof(header) + next * sizeof(uint64_t));
        uint64_t raw;

        if (guest_read(&raw, at, sizeof(raw)) != STATUS_OK)
            result = SVSM_ERR_INVALID_ADDRESS;
        else
            result = process_entry(guest, raw);
        if (result == SVSM_SUCCESS)
            next++;
    }
    if (guest_write(gpa_add(list, offsetof(struct svsm_pvalidate_list, next)), &next,
                    sizeof(next)) != STATUS_OK)
        result = SVSM_ERR_INVALID_ADDRESS;
    return result;
}
