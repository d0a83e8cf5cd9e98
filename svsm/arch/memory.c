/* SPDX-License-Identifier: MIT */
#include "svsm/arch/memory.h"

#include "svsm/arch/fault_table.h"

void *gpa_pointer(gpa_t a)
{
    return (void *)(DIRECT_MAP + a.v);
}

gpa_t direct_gpa(const void *pointer)
{
    return (gpa_t){(uint64_t)pointer - DIRECT_MAP};
}

gpa_t image_gpa(const void *object)
{
    return (gpa_t){(uint64_t)object - KERNEL_VIRTUAL + KERNEL_GPA};
}

static enum status guarded_copy(void *to, const void *from, size_t size)
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
    return result == FAULTED ? STATUS_FAULT : STATUS_OK;
}

enum status guarded_read(void *to, gpa_t from, size_t size)
{
    return guarded_copy(to, gpa_pointer(from), size);
}

enum status guarded_write(gpa_t to, const void *from, size_t size)
{
    return guarded_copy(gpa_pointer(to), from, size);
}

enum status guarded_exchange_byte(gpa_t at, uint8_t value, uint8_t *old)
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

enum status guarded_compare_exchange(gpa_t at, uint64_t expected, uint64_t value, bool *done)
{
    uint64_t result = expected;

    *done = false;
    __asm__ volatile("1: lock cmpxchgq %[value], (%[at])\n\t"
                     "sete %[done]\n"
                     "2:\n\t" FAULT_TABLE("1b", "2b")
                     : "+a"(result), [done] "+m"(*done)
                     : [at] "r"(gpa_pointer(at)), [value] "r"(value)
                     : "memory", "cc");
    return result == FAULTED && !*done ? STATUS_FAULT : STATUS_OK;
}
