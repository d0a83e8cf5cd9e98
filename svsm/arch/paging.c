/* SPDX-License-Identifier: MIT */
#include "svsm/arch/paging.h"

#include "svsm/arch/cpu.h"
#include "svsm/arch/fault_table.h"
#include "svsm/arch/memory.h"
#include "svsm/arch/segments.h"

#define GIB             0x40000000ull
#define LOW_DIRECTORIES 4
#define KERNEL_TABLES   2 /* svsm.ld asserts that the image fits */
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
static size_t shared_pages;

extern const uint8_t kernel_start[], text_end[], rodata_end[], kernel_end[];

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

static void unmap(const void *page)
{
    *kernel_page(page) = 0;
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
    segments_guards(unmap);
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

uint64_t *paging_root(void)
{
    return page_root;
}

volatile void *paging_map_shared(gpa_t page)
{
    if (shared_pages == SHARED_PAGES_MAX)
        return NULL;
    shared_table[shared_pages] = page.v | PTE_PRESENT | PTE_WRITABLE | PTE_NX;
    paging_flush();
    return (volatile void *)(SHARED_WINDOW + shared_pages++ * PAGE_SIZE);
}

uint64_t paging_kernel_cr3(void)
{
    return paging_entry(image_gpa(page_root), 0);
}

void paging_load_kernel(void)
{
    cr3_write(paging_kernel_cr3());
}

void paging_load(const uint64_t *root)
{
    cr3_write(paging_entry(direct_gpa(root), 0));
}

void paging_flush(void)
{
    cr3_write(cr3_read());
}

/* INVLPGB (APM vol. 3): this VM's ASID, global and nested translations; then TLBSYNC. */
#define INVLPGB_ASID   (1u << 2)
#define INVLPGB_GLOBAL (1u << 3)
#define INVLPGB_NESTED (1u << 5)

bool paging_flush_everywhere(void)
{
    uint64_t result = INVLPGB_ASID | INVLPGB_GLOBAL | INVLPGB_NESTED;

    __asm__ volatile("1: .byte 0x0F, 0x01, 0xFE\n" /* invlpgb */
                     "2: .byte 0x0F, 0x01, 0xFF\n" /* tlbsync */
                     "3:\n\t" FAULT_TABLE("1b", "3b") FAULT_TABLE("2b", "3b")
                     : "+a"(result)
                     : "c"(0), "d"(0)
                     : "memory");
    return result != FAULTED;
}
