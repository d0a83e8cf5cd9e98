/* SPDX-License-Identifier: MIT */
#include "svsm/mm/paging.h"

#include "svsm/arch/cpu.h"
#include "svsm/arch/segments.h"
#include "svsm/mm/page_allocator.h"

#define GIB             0x40000000ull
#define LOW_DIRECTORIES 4
#define KERNEL_TABLES   2 /* svsm.ld asserts that the image fits */
#define PDPT_SPAN       (PAGE_TABLE_ENTRIES * GIB)
#define ROOT_DIRECT_MAP 256
#define ROOT_KERNEL     511
#define PDPT_SHARED     511
#define ADDRESS_MASK    0x000FFFFFFFFFF000ull

typedef uint64_t page_table[PAGE_TABLE_ENTRIES];

/* Filled in by entry.S. */
page_table page_root __attribute__((aligned(4096)));
page_table page_direct_pdpt __attribute__((aligned(4096)));
page_table page_low_directories[LOW_DIRECTORIES] __attribute__((aligned(4096)));
page_table page_kernel_pdpt __attribute__((aligned(4096)));
page_table page_kernel_directory __attribute__((aligned(4096)));

static page_table kernel_tables[KERNEL_TABLES] __attribute__((aligned(4096)));
static page_table image_alias __attribute__((aligned(4096)));
static page_table shared_directory __attribute__((aligned(4096)));
static page_table shared_table __attribute__((aligned(4096)));
static uint64_t c_bit_mask;

extern const uint8_t kernel_start[], text_end[], rodata_end[], kernel_end[];
extern uint8_t kernel_stack_guard[];

uint64_t paging_entry(gpa_t page, uint64_t flags)
{
    return page.v | c_bit_mask | flags;
}

gpa_t paging_entry_page(uint64_t entry)
{
    return gpa(entry & ADDRESS_MASK & ~c_bit_mask);
}

static uint64_t table_entry(const void *image_table)
{
    return paging_entry(image_gpa(image_table), PTE_PRESENT | PTE_WRITABLE);
}

static uint64_t *kernel_page(const void *address)
{
    uint64_t offset = (uint64_t)address - KERNEL_VIRTUAL;

    return &kernel_tables[offset >> LARGE_PAGE_SHIFT][(offset >> PAGE_SHIFT) % PAGE_TABLE_ENTRIES];
}

static void map_kernel_image(void)
{
    for (const uint8_t *page = kernel_start; page < kernel_end; page += PAGE_SIZE) {
        uint64_t flags = PTE_PRESENT;

        if (page >= text_end)
            flags |= PTE_NX;
        if (page >= rodata_end)
            flags |= PTE_WRITABLE;
        *kernel_page(page) = paging_entry(image_gpa(page), flags);
    }
    *kernel_page(kernel_stack_guard) = 0;
    for (unsigned stack = 1; stack <= TRAP_STACKS; stack++)
        *kernel_page(segments_stack_guard((enum trap_stack)stack)) = 0;
    for (unsigned i = 0; i < KERNEL_TABLES; i++)
        page_kernel_directory[i] = table_entry(kernel_tables[i]);
}

/* The direct map shows the image's first 2 MiB, too: what is read-only there is read-only here. */
static void protect_image_alias(void)
{
    uint64_t *directory = page_low_directories[KERNEL_GPA / GIB];

    for (unsigned i = 0; i < PAGE_TABLE_ENTRIES; i++) {
        gpa_t page = gpa(KERNEL_GPA + i * PAGE_SIZE);
        bool writable = page.v >= image_gpa(rodata_end).v;

        image_alias[i] = paging_entry(page, PTE_PRESENT | PTE_NX | (writable ? PTE_WRITABLE : 0));
    }
    directory[KERNEL_GPA % GIB / LARGE_PAGE_SIZE] = table_entry(image_alias);
}

void paging_init(unsigned c_bit)
{
    c_bit_mask = 1ull << c_bit;
    map_kernel_image();
    protect_image_alias();
    page_kernel_pdpt[PDPT_SHARED] = table_entry(shared_directory);
    shared_directory[0] = table_entry(shared_table);
    for (unsigned i = 0; i < LOW_DIRECTORIES; i++)
        page_direct_pdpt[i] |= PTE_NX;
    page_root[0] = 0;
    paging_flush();
}

/* Maps one GiB of the direct map with large pages. */
static enum status map_gib(uint64_t *pdpt, uint64_t start)
{
    uint64_t *directory = page_allocate();

    if (directory == NULL)
        return STATUS_NO_MEMORY;
    for (unsigned i = 0; i < PAGE_TABLE_ENTRIES; i++)
        directory[i] =
            paging_entry(gpa(start + i * LARGE_PAGE_SIZE), PTE_PRESENT | PTE_WRITABLE | PTE_LARGE);
    pdpt[start / GIB % PAGE_TABLE_ENTRIES] =
        paging_entry(direct_gpa(directory), PTE_PRESENT | PTE_WRITABLE | PTE_NX);
    return STATUS_OK;
}

enum status paging_extend_direct_map(uint64_t end)
{
    uint64_t *pdpt = page_direct_pdpt;
    enum status status = STATUS_OK;

    if (end > DIRECT_MAP_MAX)
        return STATUS_OUT_OF_RANGE;
    for (uint64_t at = LOW_DIRECTORIES * GIB; at < end && status == STATUS_OK; at += GIB) {
        if (at % PDPT_SPAN == 0) {
            pdpt = page_allocate();
            if (pdpt == NULL)
                return STATUS_NO_MEMORY;
            page_root[ROOT_DIRECT_MAP + at / PDPT_SPAN] =
                paging_entry(direct_gpa(pdpt), PTE_PRESENT | PTE_WRITABLE);
        }
        status = map_gib(pdpt, at);
    }
    return status;
}

void paging_map_shared(size_t index, gpa_t page)
{
    shared_table[index] = page.v | PTE_PRESENT | PTE_WRITABLE | PTE_NX;
    paging_flush();
}

gpa_t paging_kernel_root(void)
{
    return image_gpa(page_root);
}

void paging_copy_kernel_half(uint64_t *root)
{
    for (unsigned i = ROOT_DIRECT_MAP; i <= ROOT_KERNEL; i++)
        root[i] = page_root[i];
}

void paging_flush(void)
{
    cr3_write(cr3_read());
}
