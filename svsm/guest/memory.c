/* SPDX-License-Identifier: MIT */
#include "svsm/guest/memory.h"

#include "svsm/arch/cpu.h"

/* Returns 0, or FAULTED. */
static uint64_t guarded_copy(void *to, const void *from, size_t size)
{
    uint64_t result = 0;
    size_t words = size / 8;
    size_t rest = size % 8;

    __asm__ volatile("1: rep movsq\n\t"
                     "mov %[rest], %%rcx\n"
                     "2: rep movsb\n"
                     "3:\n\t" FAULT_TABLE("1b", "3b") FAULT_TABLE("2b", "3b")
                     : "+a"(result), "+D"(to), "+S"(from), "+c"(words)
                     : [rest] "r"(rest)
                     : "memory");
    return result;
}

enum status guest_read(void *to, gpa_t from, size_t size)
{
    return guarded_copy(to, gpa_pointer(from), size) == FAULTED ? STATUS_FAULT : STATUS_OK;
}

enum status guest_write(gpa_t to, const void *from, size_t size)
{
    return guarded_copy(gpa_pointer(to), from, size) == FAULTED ? STATUS_FAULT : STATUS_OK;
}

enum status guest_exchange_byte(gpa_t at, uint8_t value, uint8_t *old)
{
    uint64_t result = 0;

    __asm__ volatile("1: xchgb %[value], (%[at])\n"
                     "2:\n\t" FAULT_TABLE("1b", "2b")
                     : "+a"(result), [value] "+q"(value)
                     : [at] "r"(gpa_pointer(at))
                     : "memory");
    *old = value;
    return result == FAULTED ? STATUS_FAULT : STATUS_OK;
}
