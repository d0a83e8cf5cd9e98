/* SPDX-License-Identifier: MIT */
#include "tests/emulator/runtime/memory.h"

#include "lib/freestanding/string.h"
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/rmp.h"
#include "tests/emulator/runtime/tap.h"

#define HOST_SMALL_PAGES (HOST_MEMORY + 2 * LARGE_PAGE_SIZE)

const struct boot_params *boot_params;

/* Where the next page of each kind comes from, and where those end. */
struct supply {
    uint64_t next, end;
};

static struct supply pages, large_pages;
static struct supply host_large_pages = {HOST_MEMORY, HOST_SMALL_PAGES};
static struct supply host_pages = {HOST_SMALL_PAGES, GUEST_BASE};

void memory_init(const struct boot_params *params)
{
    uint64_t next = params->loaded_end_gpa;
    uint64_t large = (next + LARGE_PAGE_SIZE - 1) & LARGE_PAGE_MASK;

    if (params->magic != BOOT_PARAMS_MAGIC || params->region_gpa != GUEST_BASE ||
        params->region_size != GUEST_REGION_SIZE)
        ghcb_terminate(0, 0);
    boot_params = params;
    pages = (struct supply){next, large};
    large_pages = (struct supply){large, GUEST_BASE + GUEST_REGION_SIZE};
}

const struct cpuid_page *cpuid_page(void)
{
    return (const struct cpuid_page *)boot_params->cpuid_gpa;
}

const struct cpuid_entry *cpuid_find(uint32_t leaf)
{
    const struct cpuid_page *page = cpuid_page();

    for (uint32_t i = 0; i < page->count && i < CPUID_PAGE_ENTRIES_MAX; i++)
        if (page->entries[i].eax_in == leaf && page->entries[i].ecx_in == 0)
            return &page->entries[i];
    bail_out("the CPUID page lacks leaf 0x%x", leaf);
}

const struct secrets_page *secrets_page(void)
{
    return (const struct secrets_page *)boot_params->secrets_gpa;
}

static uint64_t take(struct supply *from, uint64_t size)
{
    uint64_t page = from->next;

    if (page + size > from->end)
        bail_out("out of pages of %lu bytes", size);
    from->next += size;
    return page;
}

void *fresh_page(void)
{
    return (void *)take(&pages, PAGE_SIZE);
}

void *valid_page(void)
{
    void *page = fresh_page();
    struct rmp_result result = pvalidate(page, SIZE_4K, true);

    if (last_trap.vector != NO_TRAP || result.code != RMP_SUCCESS)
        bail_out("page 0x%lx cannot be validated", gpa_of(page));
    return memset(page, 0, PAGE_SIZE);
}

void *fresh_large_page(void)
{
    return (void *)take(&large_pages, LARGE_PAGE_SIZE);
}

void *host_page(void)
{
    return (void *)(take(&host_pages, PAGE_SIZE) | SHARED_VIEW);
}

void *host_large_page(void)
{
    return (void *)(take(&host_large_pages, LARGE_PAGE_SIZE) | SHARED_VIEW);
}

uint64_t try_read(const volatile void *word)
{
    uint64_t value = 0;

    ATTEMPT("movq (%1), %0", : "+r"(value) : "r"(word) : "memory");
    return value;
}

void try_write(volatile void *word, uint64_t value)
{
    ATTEMPT("movq %0, (%1)", : : "r"(value), "r"(word) : "memory");
}

void try_call(const void *code)
{
    ATTEMPT("call *%0", : : "r"(code) : "memory", "cc");
}
