/* SPDX-License-Identifier: MIT */
/*
 * A guest firmware image (OVMF) and the memory that its metadata asks for: the GUIDed table at the
 * image's end leads to the "ASEV" descriptor (edk2 OvmfPkg/ResetVector, OvmfSevMetadata) and, in
 * newer images, to the "IGVM" one (IgvmMetadata).
 */
#ifndef SNPVTPM_IGVM_FIRMWARE_H
#define SNPVTPM_IGVM_FIRMWARE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/must_check.h"
#include "lib/boot/boot_params.h"

/* The image ends here; its last 16 bytes are the reset vector. */
#define FIRMWARE_END_GPA      0x100000000ull
#define FIRMWARE_RESET_VECTOR 0xFFFFFFF0ull
/* It stays clear of the I/O APIC at 0xFEC00000. */
#define FIRMWARE_SIZE_MAX 0x1000000u
/* Far above anything OVMF asks for: keeps a damaged image from asking for all memory. */
#define FIRMWARE_SECTION_SIZE_MAX 0x1000000u

enum firmware_error {
    FIRMWARE_OK = 0,
    FIRMWARE_ERROR_SIZE,
    FIRMWARE_ERROR_NO_TABLE,
    FIRMWARE_ERROR_TABLE,
    FIRMWARE_ERROR_NO_SEV_METADATA,
    FIRMWARE_ERROR_DESCRIPTOR,
    FIRMWARE_ERROR_SECTION_TYPE,
    FIRMWARE_ERROR_SECTION_RANGE,
    FIRMWARE_ERROR_SECTION_COUNT,
    FIRMWARE_ERROR_NO_PARAMETER_AREA,
};

struct firmware {
    const uint8_t *bytes;
    size_t size;
    uint64_t gpa;
    uint32_t section_count;
    struct boot_section sections[BOOT_SECTIONS_MAX]; /* SEV sections, then IGVM ones, absolute */
};

/* Parses an image, whose bytes are borrowed for the life of *firmware. */
MUST_CHECK enum firmware_error firmware_parse(const void *bytes, size_t size,
                                              struct firmware *firmware);

/* The first section of a type, or NULL. */
const struct boot_section *firmware_section(const struct firmware *firmware,
                                            enum boot_section_type type);

/* What an error means, for people: a phrase without capital and full stop. */
const char *firmware_error_text(enum firmware_error error);

#endif
