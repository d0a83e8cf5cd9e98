/* SPDX-License-Identifier: MIT */
/* The launch image of an SNP VM without SVSM: the guest's firmware alone, at VMPL0. */
#ifndef SNPVTPM_IGVM_FIRMWARE_IMAGE_H
#define SNPVTPM_IGVM_FIRMWARE_IMAGE_H

#include "igvm/firmware.h"
#include "lib/igvm/image.h"

struct firmware_plan {
    const struct firmware *firmware;
    uint64_t policy;
    uint64_t sev_features;
    uint32_t cpu_signature; /* in EDX at reset: CPUID Fn1 EAX */
};

/*
 * Fills an empty image, which borrows the firmware's bytes: the firmware, the pages its metadata
 * ask for, and the boot processor in reset state.
 */
void firmware_image_build(struct image *image, const struct firmware_plan *plan);

#endif
