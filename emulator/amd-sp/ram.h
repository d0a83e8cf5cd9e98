/* SPDX-License-Identifier: MIT */
/*
 * The machine's RAM, as the AMD-SP sees it: a file that the machine maps too. Every address that
 * the machine passes is an offset into it, and reaches memory only through these functions.
 */
#ifndef SNPVTPM_EMULATOR_AMD_SP_RAM_H
#define SNPVTPM_EMULATOR_AMD_SP_RAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/must_check.h"

struct ram {
    uint8_t *bytes;
    size_t size;
};

/* Maps the file at path, shared and writable. Returns false with errno set. */
MUST_CHECK bool ram_open(struct ram *ram, const char *path);

void ram_close(struct ram *ram);

/* Points *bytes at [offset, offset + size) of RAM; false if that is not all inside. */
MUST_CHECK bool ram_bytes(const struct ram *ram, uint64_t offset, uint64_t size, uint8_t **bytes);

/* Points *pages at count pages of PAGE_SIZE from a page-aligned offset,
 * under the same condition. */
MUST_CHECK bool ram_pages(const struct ram *ram, uint64_t offset, uint64_t count, uint8_t **pages);

#endif
