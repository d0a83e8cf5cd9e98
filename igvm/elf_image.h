/* SPDX-License-Identifier: MIT */
/* What the builder has to know of an ELF64 x86-64 program: the kernel or a service. */
#ifndef SNPVTPM_IGVM_ELF_IMAGE_H
#define SNPVTPM_IGVM_ELF_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/must_check.h"

#define ELF_SEGMENTS_MAX 16

enum elf_error {
    ELF_OK = 0,
    ELF_ERROR_NOT_ELF,
    ELF_ERROR_MACHINE,
    ELF_ERROR_HEADERS,
    ELF_ERROR_SEGMENT,
    ELF_ERROR_SEGMENT_COUNT,
    ELF_ERROR_NO_SEGMENT,
    ELF_ERROR_DYNAMIC,
};

/* A PT_LOAD segment. */
struct elf_segment {
    uint64_t paddr;
    const uint8_t *contents; /* borrowed from the file */
    size_t contents_size;
    uint64_t memory_size; /* at least contents_size; the rest is zeros */
    bool executable;
};

struct elf_image {
    uint64_t entry;
    size_t segment_count; /* at least 1 */
    struct elf_segment segments[ELF_SEGMENTS_MAX];
};

/*
 * Parses a statically linked executable (also a position-independent one). Segment contents lie
 * inside the file and no segment wraps round; nothing else about addresses is checked.
 */
MUST_CHECK enum elf_error elf_parse(const void *bytes, size_t size, struct elf_image *elf);

/* What an error means, for people: a phrase without capital and full stop. */
const char *elf_error_text(enum elf_error error);

#endif
