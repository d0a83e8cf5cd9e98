/* SPDX-License-Identifier: MIT */
/* Generations of EPYC processors: their names in certificates and their layout of TCB_VERSION. */
#ifndef SNPVTPM_KBS_EVIDENCE_PRODUCT_H
#define SNPVTPM_KBS_EVIDENCE_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/must_check.h"

enum product {
    PRODUCT_MILAN,
    PRODUCT_GENOA, /* Bergamo and Siena too */
    PRODUCT_TURIN,
    PRODUCT_COUNT,
};

/* The security version numbers inside a TCB_VERSION; fmc is 0 before Turin. */
struct tcb {
    uint8_t fmc, bootloader, tee, snp, microcode;
};

/* From the combined CPUID family and model of a report of version 3 on; false when unknown. */
MUST_CHECK bool product_of_cpuid(uint8_t family, uint8_t model, enum product *product);

/* From a name as of product_name; false when unknown. */
MUST_CHECK bool product_of_name(const char *name, enum product *product);

/* "Milan", as in the common names ARK-Milan and SEV-Milan. */
const char *product_name(enum product product);

/* Whether its TCBs have an FMC. */
bool product_has_fmc(enum product product);

/* How many bytes of CHIP_ID are significant; zeros follow. */
size_t product_chip_id_size(enum product product);

/* Splits a TCB_VERSION (AMD 56860, "TCB_VERSION"). */
struct tcb product_tcb(enum product product, uint64_t tcb_version);

#endif
