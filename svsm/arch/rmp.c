/* SPDX-License-Identifier: MIT */
#include "svsm/arch/rmp.h"

#include "svsm/arch/fault_table.h"
#include "svsm/arch/memory.h"

static enum rmp_result result_of(uint64_t rax)
{
    return rax == FAULTED ? RMP_FAULTED : (enum rmp_result)(uint32_t)rax;
}

enum rmp_result rmp_validate(gpa_t page, enum rmp_page_size size, bool validate, bool *unchanged)
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
    return result_of(result);
}

enum rmp_result rmp_adjust(gpa_t page, enum rmp_page_size size, unsigned vmpl, uint8_t permissions,
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
    return result_of(result);
}
