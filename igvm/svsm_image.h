/* SPDX-License-Identifier: MIT */
/* The launch image of a VM with an SVSM: its kernel at VMPL0, its services,
 * the guest's firmware. */
#ifndef SNPVTPM_IGVM_SVSM_IMAGE_H
#define SNPVTPM_IGVM_SVSM_IMAGE_H

#include "igvm/firmware.h"
#include "igvm/tool.h"
#include "lib/boot/boot_params.h"
#include "lib/igvm/image.h"

/* A file read into memory; the path serves complaints. */
struct input_file {
    const char *path;
    struct file_bytes content;
};

struct svsm_service {
    const char *name;
    struct input_file elf;
};

struct svsm_plan {
    struct input_file kernel;        /* ELF with physical addresses and entry inside the region */
    const struct firmware *firmware; /* NULL: no guest firmware */
    struct svsm_service services[BOOT_SERVICES_MAX];
    size_t service_count;
    uint64_t region_gpa;
    uint64_t region_size;
    uint64_t policy;
    uint64_t sev_features;
    uint32_t guest_vmpl;
    uint16_t console_port;
    uint16_t proxy_port;
    uint32_t pcr_banks;  /* BOOT_PCR_BANK_*; 0: those that the TPM has */
    struct boot_kbs kbs; /* whom the SVSM believes a state key */
};

/*
 * Fills an empty image, which borrows the bytes of the plan's files. The region holds, from its
 * start without a gap: the kernel, the boot parameters, the CPUID and secrets pages, the two
 * parameter pages that the host fills, the services. Complains about files that are not valid or
 * do not fit.
 */
MUST_CHECK enum tool_status svsm_image_build(struct image *image, const struct svsm_plan *plan);

#endif
