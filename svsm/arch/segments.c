/* SPDX-License-Identifier: MIT */
#include "svsm/arch/segments.h"

#include <stdint.h>

#include "svsm/base/address.h"

#define TRAP_STACK_SIZE 0x4000

struct tss {
    uint32_t reserved_0;
    uint64_t rsp[3];
    uint64_t reserved_1c;
    uint64_t ist[7];
    uint64_t reserved_5c;
    uint16_t reserved_64;
    uint16_t io_map;
} __attribute__((packed));

struct guarded_stack {
    uint8_t guard[PAGE_SIZE];
    uint8_t stack[TRAP_STACK_SIZE];
};

static struct guarded_stack trap_stacks[TRAP_STACKS] __attribute__((aligned(4096)));
static struct tss tss = {.io_map = sizeof(struct tss)}; /* no I/O from ring 3 */

static uint64_t gdt[] = {
    0,
    0x00AF9B000000FFFF, /* KERNEL_CODE */
    0x00CF93000000FFFF, /* KERNEL_DATA */
    0x00CFF3000000FFFF, /* USER_DATA */
    0x00AFFB000000FFFF, /* USER_CODE */
    0,
    0, /* TSS_SEGMENT, two entries, filled in at run time */
};

static void describe_tss(void)
{
    uint64_t base = (uint64_t)&tss;
    uint64_t limit = sizeof(tss) - 1;

    gdt[TSS_SEGMENT / 8] =
        limit | (base & 0xFFFFFF) << 16 | 0x89ull << 40 | ((base >> 24) & 0xFF) << 56;
    gdt[TSS_SEGMENT / 8 + 1] = base >> 32;
}

void segments_init(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = {sizeof(gdt) - 1, (uint64_t)gdt};

    for (unsigned i = 0; i < TRAP_STACKS; i++)
        tss.ist[i] = (uint64_t)segments_stack_top((enum trap_stack)(i + 1));
    describe_tss();

    __asm__ volatile("lgdt %0\n\t"
                     "pushq %1\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "movl %2, %%eax\n\t"
                     "movl %%eax, %%ds\n\t"
                     "movl %%eax, %%es\n\t"
                     "movl %%eax, %%ss\n\t"
                     "ltr %w3"
                     :
                     : "m"(pointer), "i"(KERNEL_CODE), "i"(KERNEL_DATA), "r"(TSS_SEGMENT)
                     : "rax", "memory");
}

const void *segments_stack_top(enum trap_stack stack)
{
    return trap_stacks[stack - 1].stack + TRAP_STACK_SIZE;
}

void *segments_stack_guard(enum trap_stack stack)
{
    return trap_stacks[stack - 1].guard;
}
