/* SPDX-License-Identifier: MIT */
/* PCR banks that a launch image asks for, as words: a list such as "sha256,sha384". */
#ifndef SNPVTPM_IGVM_PCR_BANKS_H
#define SNPVTPM_IGVM_PCR_BANKS_H

#include <stdio.h>

#include "igvm/tool.h"
#include "lib/boot/boot_params.h"

/*
 * One bank: the firmware hashes all that it measures once for each. Not SHA-1: with a chosen-prefix
 * collision, two different boots have the same PCRs.
 */
#define PCR_BANKS_DEFAULT BOOT_PCR_BANK_SHA256

/* --pcr-banks: names with commas between them, or "as-found" (0). Complains about any other. */
MUST_CHECK enum tool_status pcr_banks_option(const char *list, uint32_t *banks);

/* The names, with commas and spaces. */
void pcr_banks_print(FILE *out, uint32_t banks);

#endif
