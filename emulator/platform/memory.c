/* SPDX-License-Identifier: MIT */
#include "emulator/platform/memory.h"

#include "emulator/platform/fw_cfg.h"

#define GIB4            (4ull << 30)
#define DEFAULT_RESERVE (96ull << 20)
#define MIN_GUEST       (64ull << 20)
#define LOAD_PA         0x1000000ull
#define VIRT_BASE       0xffffffff80000000ull

struct host_memory host_memory;

static uint64_t *root; /* the PML4 in use */
static uint64_t pool_next, pool_end;

extern uint8_t image_start[], image_end[];
extern uint64_t host_pdpt_direct[];
void relocate_image(const void *from, void *to, size_t size, uint64_t cr3);

#define PTE_PRESENT_WRITE 0x3ull
#define PTE_LARGE         0x80ull
#define PTE_ADDRESS       0x000ffffffffff000ull
#define IMAGE_LARGE_PAGES 64

/* QEMU's CMOS map: memory above 16 MiB and below 4 GiB, then that above 4 GiB, in 64 KiB units. */
#define CMOS_INDEX       0x70
#define CMOS_DATA        0x71
#define CMOS_LOW_MEMORY  0x34
#define CMOS_HIGH_MEMORY 0x5B
#define CMOS_UNIT        0x10000ull
#define CMOS_LOW_BASE    0x1000000ull

static uint64_t cmos_number(uint8_t index, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes; i++) {
        out8(CMOS_INDEX, (uint8_t)(index + i));
        value |= (uint64_t)in8(CMOS_DATA) << 8 * i;
    }
    return value;
}

static void find_ram(void)
{
    host_memory.low_end = CMOS_LOW_BASE + cmos_number(CMOS_LOW_MEMORY, 2) * CMOS_UNIT;
    host_memory.high_end = GIB4 + cmos_number(CMOS_HIGH_MEMORY, 3) * CMOS_UNIT;
}

static uint64_t page_up(uint64_t v)
{
    return (v + PAGE_SIZE - 1) & PAGE_MASK;
}

/*
 * The new tables stand in fresh pages: those in use must stay whole until the very switch.
 */
static void move_image(uint64_t new_pa)
{
    size_t size = (size_t)(image_end - image_start);
    hpa_t pages = pool_pages(4);
    uint64_t *pml4 = host_ptr(pages);
    uint64_t *pdpt_direct = pml4 + 512, *pdpt_image = pml4 + 1024, *pd_image = pml4 + 1536;

    memset(pml4, 0, 4 * PAGE_SIZE);
    memcpy(pdpt_direct, host_pdpt_direct, PAGE_SIZE);
    pml4[256] = (pages.pa + PAGE_SIZE) | PTE_PRESENT_WRITE;
    pml4[511] = (pages.pa + 2 * PAGE_SIZE) | PTE_PRESENT_WRITE;
    pdpt_image[510] = (pages.pa + 3 * PAGE_SIZE) | PTE_PRESENT_WRITE;
    for (uint64_t i = 0; i < IMAGE_LARGE_PAGES; i++)
        pd_image[i] = (new_pa + i * LARGE_PAGE_SIZE) | PTE_PRESENT_WRITE | PTE_LARGE;
    root = pml4;
    relocate_image(host_ptr(hpa(LOAD_PA)), host_ptr(hpa(new_pa)), size, pages.pa);
}

/* The reserve, from its start: IGVM file, hypervisor, pool. */
void memory_init(void)
{
    static char command_line[256];
    uint64_t reserve, image;

    find_ram();
    fw_cfg_read("opt/snp-vtpm/hypervisor", command_line, sizeof(command_line) - 1);
    host_memory.command_line = command_line;
    host_memory.igvm_size = command_line_number("igvm", 0);
    if (!host_memory.igvm_size)
        die(HOST_EXIT_LAUNCH_FAILED, "no igvm= in fw_cfg file opt/snp-vtpm/hypervisor");
    reserve = command_line_number("reserve", DEFAULT_RESERVE);
    if (reserve + MIN_GUEST > host_memory.low_end)
        die(HOST_EXIT_LAUNCH_FAILED, "%lu bytes of memory are too few", host_memory.low_end);
    host_memory.guest_end = host_memory.low_end - reserve;
    host_memory.igvm = host_ptr(hpa(host_memory.guest_end));

    image = host_memory.guest_end + host_memory.igvm_size + LARGE_PAGE_SIZE - 1;
    image &= LARGE_PAGE_MASK;
    pool_next = page_up(image + (uint64_t)(image_end - image_start));
    pool_end = host_memory.low_end;
    if (host_memory.igvm_size > reserve || pool_next >= pool_end)
        die(HOST_EXIT_LAUNCH_FAILED, "an IGVM file of %lu bytes does not fit a reserve of %lu",
            host_memory.igvm_size, reserve);
    move_image(image);
}

hpa_t pool_pages(size_t count)
{
    uint64_t at = pool_next;

    if (count > (pool_end - pool_next) / PAGE_SIZE)
        die(HOST_EXIT_INTERNAL, "out of memory: give the hypervisor a larger reserve");
    pool_next += count * PAGE_SIZE;
    return hpa(at);
}

hpa_t pool_page(void)
{
    return pool_pages(1);
}

volatile void *memory_mmio(uint64_t pa)
{
    uint64_t slot = pa >> 39;
    uint64_t *pdpt;

    if (pa < DIRECT_MAP_SIZE)
        return (volatile void *)(DIRECT_MAP + pa);
    if (slot >= 255) /* the image has the last slot of the upper half */
        return NULL;
    if (!(root[256 + slot] & PTE_PRESENT_WRITE)) {
        hpa_t page = pool_page();

        memset(host_ptr(page), 0, PAGE_SIZE);
        root[256 + slot] = page.pa | PTE_PRESENT_WRITE;
    }
    pdpt = host_ptr(hpa(root[256 + slot] & PTE_ADDRESS));
    pdpt[pa >> 30 & 511] = (pa & ~((1ull << 30) - 1)) | PTE_LARGE | PTE_PRESENT_WRITE;
    return (volatile void *)(DIRECT_MAP + pa);
}

hpa_t memory_root(bool lower_half)
{
    root[0] = lower_half ? root[256] : 0;
    return host_pa_of_direct(root);
}

bool memory_is_ram(uint64_t pa)
{
    return pa < host_memory.low_end || (pa >= GIB4 && pa < host_memory.high_end);
}

uint64_t memory_file_offset(hpa_t address)
{
    return address.pa < GIB4 ? address.pa : address.pa - GIB4 + host_memory.low_end;
}

static bool starts_with(const char *text, const char *prefix)
{
    while (*prefix && *text == *prefix) {
        text++;
        prefix++;
    }
    return !*prefix;
}

uint64_t command_line_number(const char *name, uint64_t fallback)
{
    size_t length = strlen(name);

    for (const char *p = host_memory.command_line; *p; p++) {
        uint64_t value = 0;

        if ((p != host_memory.command_line && p[-1] != ' ') || !starts_with(p, name) ||
            p[length] != '=')
            continue;
        for (p += length + 1; *p >= '0' && *p <= '9'; p++)
            value = value * 10 + (uint64_t)(*p - '0');
        if (*p == 'K')
            value <<= 10;
        else if (*p == 'M')
            value <<= 20;
        else if (*p == 'G')
            value <<= 30;
        return value;
    }
    return fallback;
}
