/* SPDX-License-Identifier: MIT */
/* The certificate table of the extended guest request (GHCB specification 56421,
 * section 4.1.8.1). */
#ifndef SNPVTPM_EMULATOR_AMD_SP_CERTIFICATE_TABLE_H
#define SNPVTPM_EMULATOR_AMD_SP_CERTIFICATE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emulator/amd-sp/chip.h"

/* Pages that the chip's table takes. */
size_t certificate_table_pages(const struct chip *chip);

/*
 * Writes the table: VCEK, ASK and ARK in DER; the rest of the pages is zeroed. Returns false, and
 * writes nothing, if it takes more than these pages.
 */
MUST_CHECK bool certificate_table_write(const struct chip *chip, uint8_t *buffer, size_t pages);

#endif
