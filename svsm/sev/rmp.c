/* SPDX-License-Identifier: MIT */
#include "svsm/sev/rmp.h"

#include "svsm/arch/cpu.h"
#include "svsm/console/panic.h"

uint32_t rmp_validate(gpa_t page, enum rmp_page_size size, bool validate, bool *unchanged)
{
    uint64_t result = (uint64_t)gpa_pointer(page);
    uint8_t carry = 0;

    __asm__ volatile("1: .byte 0xF2, 0x0F, 0x01, 0xFF\n\t" /* pvalidate */
                     "setc %1\n"
                     "2:\n\t" FAULT_TABLE("1b", "2b")
                     : "+a"(result), "+q"(carry)
                     : "c"((uint32_t)size), "d"((uint32_t)validate)
                     : "memory", "cc");
    *unchanged = carry != 0;
    return (uint32_t)result;
}

uint32_t rmp_adjust(gpa_t page, enum rmp_page_size size, unsigned vmpl, uint8_t permissions,
                    bool vmsa)
{
    uint64_t result = (uint64_t)gpa_pointer(page);
    uint64_t attributes =
        vmpl | (uint64_t)permissions << RMPADJUST_PERMISSIONS_SHIFT | (vmsa ? RMPADJUST_VMSA : 0);

    __asm__ volatile("1: .byte 0xF3, 0x0F, 0x01, 0xFE\n" /* rmpadjust */
                     "2:\n\t" FAULT_TABLE("1b", "2b")
                     : "+a"(result)
                     : "c"((uint64_t)size), "d"(attributes)
                     : "memory", "cc");
    return (uint32_t)result;
}

uint32_t rmp_revoke(gpa_t page, enum rmp_page_size size, unsigned first_vmpl)
{
    uint32_t result = RMP_SUCCESS;

    for (unsigned vmpl = first_vmpl; vmpl < VMPL_COUNT && result == RMP_SUCCESS; vmpl++)
        result = rmp_adjust(page, size, vmpl, 0, false);
    return result;
}

/* Whether the page could be validated with this size; anything unexpected ends the VM. */
static bool try_validate_own(gpa_t page, enum rmp_page_size size)
{
    bool unchanged;
    uint32_t result = rmp_validate(page, size, true, &unchanged);

    if (result == RMP_FAIL_SIZEMISMATCH && size == RMP_2M)
        return false;
    if (result != RMP_SUCCESS)
        panic("cannot validate page %lx: PVALIDATE code %u", page.v, result);
    if (unchanged)
        panic("attack: page %lx was validated already", page.v);
    return true;
}

void rmp_validate_own(gpa_t start, uint64_t size)
{
    uint64_t end = start.v + size;

    for (gpa_t page = start; page.v < end;) {
        bool large = is_aligned(page.v, LARGE_PAGE_SIZE) && end - page.v >= LARGE_PAGE_SIZE;

        if (large && try_validate_own(page, RMP_2M)) {
            page = gpa_add(page, LARGE_PAGE_SIZE);
            continue;
        }
        for (uint64_t until = large ? page.v + LARGE_PAGE_SIZE : page.v + PAGE_SIZE; page.v < until;
             page = gpa_add(page, PAGE_SIZE))
            try_validate_own(page, RMP_4K);
    }
}

void rmp_rescind_own(gpa_t page)
{
    bool unchanged;
    uint32_t result = rmp_validate(page, RMP_4K, false, &unchanged);

    if (result != RMP_SUCCESS)
        panic("cannot rescind page %lx: PVALIDATE code %u", page.v, result);
    if (unchanged)
        panic("attack: page %lx was not validated", page.v);
}

void rmp_grant_own(gpa_t start, uint64_t size, unsigned vmpl)
{
    for (uint64_t offset = 0; offset < size; offset += PAGE_SIZE) {
        gpa_t page = gpa_add(start, offset);
        uint32_t result = rmp_adjust(page, RMP_4K, vmpl, RMP_ALL, false);

        if (result != RMP_SUCCESS)
            panic("cannot grant page %lx to VMPL %u: RMPADJUST code %u", page.v, vmpl, result);
    }
}
