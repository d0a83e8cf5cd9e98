/* SPDX-License-Identifier: MIT */
#include "emulator/platform/memory.h"

#define GIB4            (4ull << 30)
#define DEFAULT_RESERVE (96ull << 20)
#define LOAD_PA         0x1000000ull
#define VIRT_BASE       0xffffffff80000000ull

/* PVH start information (Xen public/arch-x86/hvm/start_info.h). */
#define START_INFO_MAGIC 0x336ec578u

struct start_info {
    uint32_t magic, version, flags, nr_modules;
    uint64_t modlist_pa, cmdline_pa, rsdp_pa, memmap_pa;
    uint32_t memmap_entries, reserved;
};

struct module_entry {
    uint64_t pa, size, cmdline_pa, reserved;
};

struct memmap_entry {
    uint64_t address, size;
    uint32_t type, reserved;
};

#define MEMMAP_RAM 1

struct host_memory host_memory;
uint64_t *host_root;

static uint64_t pool_next, pool_end;

extern uint8_t image_start[], image_end[];
extern uint64_t host_pdpt_direct[];
void relocate_image(const void *from, void *to, size_t size, uint64_t cr3);

#define PTE_PRESENT_WRITE 0x3ull
#define PTE_LARGE         0x80ull
#define IMAGE_LARGE_PAGES 64

static void find_ram(const struct start_info *info)
{
    const struct memmap_entry *map = host_ptr(hpa(info->memmap_pa));

    host_memory.high_end = GIB4;
    for (uint32_t i = 0; i < info->memmap_entries; i++) {
        uint64_t end = map[i].address + map[i].size;

        if (map[i].type != MEMMAP_RAM)
            continue;
        if (end <= GIB4 && end > host_memory.low_end)
            host_memory.low_end = end;
        if (end > GIB4)
            host_memory.high_end = end;
    }
    /* SeaBIOS keeps its last pages (ACPI data) out of the map: RAM itself ends on a MiB. */
    host_memory.low_end = (host_memory.low_end + 0xFFFFF) & ~0xFFFFFull;
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
    host_root = pml4;
    relocate_image(host_ptr(hpa(LOAD_PA)), host_ptr(hpa(new_pa)), size, pages.pa);
}

void memory_init(uint64_t start_info)
{
    const struct start_info *info = host_ptr(hpa(start_info));
    const struct module_entry *module = host_ptr(hpa(info->modlist_pa));
    static char command_line[1024];
    const char *given = info->cmdline_pa ? host_ptr(hpa(info->cmdline_pa)) : "";
    uint64_t reserve;

    if (info->magic != START_INFO_MAGIC || info->version < 1)
        die(HOST_EXIT_INTERNAL, "not started by a PVH loader with a memory map");
    for (size_t i = 0; given[i] && i < sizeof(command_line) - 1; i++)
        command_line[i] = given[i];
    host_memory.command_line = command_line;
    if (info->nr_modules < 1)
        die(HOST_EXIT_LAUNCH_FAILED, "no IGVM file: give one as QEMU's -initrd");
    host_memory.igvm = host_ptr(hpa(module->pa));
    host_memory.igvm_size = module->size;

    find_ram(info);
    reserve = command_line_number("reserve", DEFAULT_RESERVE);
    if (reserve + (64ull << 20) > host_memory.low_end)
        die(HOST_EXIT_LAUNCH_FAILED, "%lu bytes of memory are too few", host_memory.low_end);
    host_memory.guest_end = (host_memory.low_end - reserve) & LARGE_PAGE_MASK;
    if (module->pa < host_memory.guest_end)
        die(HOST_EXIT_LAUNCH_FAILED, "the IGVM file (%lu bytes) does not fit the reserve",
            module->size);

    pool_next = host_memory.guest_end + (uint64_t)(image_end - image_start);
    pool_next = (pool_next + PAGE_SIZE - 1) & PAGE_MASK;
    pool_end = module->pa & PAGE_MASK;
    move_image(host_memory.guest_end);
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

uint64_t memory_file_offset(hpa_t address)
{
    return address.pa < GIB4 ? address.pa : address.pa - GIB4 + host_memory.low_end;
}

uint64_t command_line_number(const char *name, uint64_t fallback)
{
    size_t length = strlen(name);

    for (const char *p = host_memory.command_line; *p; p++) {
        uint64_t value = 0;

        if ((p != host_memory.command_line && p[-1] != ' ') || memcmp(p, name, length) != 0 ||
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
