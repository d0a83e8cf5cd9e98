/* SPDX-License-Identifier: MIT */
/*
 * The machine's physical memory: what QEMU gave, what the hypervisor keeps for itself (the reserve,
 * at the top of low memory), and the hypervisor's page pool inside the reserve.
 */
#ifndef SNPVTPM_EMULATOR_PLATFORM_MEMORY_H
#define SNPVTPM_EMULATOR_PLATFORM_MEMORY_H

#include "emulator/platform/host.h"

struct host_memory {
    uint64_t low_end;    /* RAM is [0, low_end) ... */
    uint64_t high_end;   /* ... and [4 GiB, high_end), or 4 GiB when there is none */
    uint64_t guest_end;  /* the guest's low RAM ends here, the reserve begins */
    const uint8_t *igvm; /* the IGVM file, which QEMU's loader device put at guest_end */
    size_t igvm_size;
    const char *command_line;
};

extern struct host_memory host_memory;

/* Finds out about the machine's memory, then moves the image into the reserve. */
void memory_init(void);

/* A page of the reserve, contents undefined; ends the machine when there is none left. */
hpa_t pool_page(void);
/* The same for physically consecutive pages. */
hpa_t pool_pages(size_t count);

/* Makes the page of an MMIO address accessible and returns a pointer to it; NULL beyond 48 bits. */
volatile void *memory_mmio(uint64_t pa);

/* The tables in use, with physical memory mapped one to one in the lower half, too, or not. */
hpa_t memory_root(bool lower_half);

/* Whether QEMU has RAM at a physical address, the guest's or the hypervisor's. */
bool memory_is_ram(uint64_t pa);

/* The offset of a RAM page in QEMU's memory file: how the AMD-SP knows it. */
uint64_t memory_file_offset(hpa_t address);

/*
 * The value of "name=..." on the hypervisor's command line, or fallback; K, M and G suffixes are
 * understood. The command line is QEMU's -fw_cfg name=opt/snp-vtpm/hypervisor,string=...:
 * "igvm=BYTES reserve=SIZE trace=1 strict=1 every-vmsa=1".
 */
uint64_t command_line_number(const char *name, uint64_t fallback);

#endif
