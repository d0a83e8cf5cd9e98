/* SPDX-License-Identifier: MIT */
/* The memory that the host tells of is there, for a VM of any size. memory-sizes.sh runs this with
 * many. */
#include "lib/igvm/igvm_format.h"
#include "tests/emulator/runtime/fw_cfg.h"
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/tap.h"

#define MIB            (1ull << 20)
#define PCI_HOLE_START 0x80000000ull
#define PCI_HOLE_END   0x100000000ull
#define PSC_REFUSED    (1ull << 63 | GHCB_MSR_PSC_RESP)
#define ENTRIES_MAX    (PAGE_SIZE / sizeof(struct igvm_memory_map_entry))

static const struct igvm_memory_map_entry *entry(size_t number)
{
    const struct igvm_memory_map_entry *entries = (const void *)boot_params->memory_map_gpa;

    return number < ENTRIES_MAX && entries[number].number_of_pages ? &entries[number] : NULL;
}

static uint64_t start_of(const struct igvm_memory_map_entry *e)
{
    return e->starting_gpa_page_number * PAGE_SIZE;
}

static uint64_t end_of(const struct igvm_memory_map_entry *e)
{
    return start_of(e) + e->number_of_pages * PAGE_SIZE;
}

static uint64_t wanted_size(void)
{
    char text[16] = {0};
    uint64_t mib = 0;

    CHECK(fw_cfg_read("opt/snp-vtpm/memory", text, sizeof(text) - 1));
    for (const char *p = text; *p >= '0' && *p <= '9'; p++)
        mib = mib * 10 + (uint64_t)(*p - '0');
    return mib * MIB;
}

TEST("The memory map's ranges are memory, ascending, and have room between them")
{
    uint64_t end = 0;

    for (size_t i = 0; entry(i); i++) {
        CHECK_EQUAL(entry(i)->entry_type, IGVM_MEMORY);
        CHECK(i == 0 || start_of(entry(i)) > end);
        end = end_of(entry(i));
    }
}

TEST("The memory map has all the memory that the VM was given")
{
    uint64_t size = 0;

    for (size_t i = 0; entry(i); i++)
        size += end_of(entry(i)) - start_of(entry(i));
    CHECK_EQUAL(size, wanted_size());
}

TEST("There is no memory from 2 GiB to 4 GiB, where OVMF puts PCI devices")
{
    for (size_t i = 0; entry(i); i++)
        CHECK(end_of(entry(i)) <= PCI_HOLE_START || start_of(entry(i)) >= PCI_HOLE_END);
}

TEST("The last page of each range can become private, the page after it cannot")
{
    for (size_t i = 0; entry(i); i++) {
        uint64_t last = end_of(entry(i)) - PAGE_SIZE;

        CHECK_EQUAL(ghcb_msr_psc(last, PSC_PRIVATE), GHCB_MSR_PSC_RESP);
        CHECK_EQUAL(ghcb_msr_psc(last, PSC_SHARED), GHCB_MSR_PSC_RESP);
        CHECK_EQUAL(ghcb_msr_psc(end_of(entry(i)), PSC_PRIVATE), PSC_REFUSED);
    }
}
