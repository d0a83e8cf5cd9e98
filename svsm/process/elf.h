/* SPDX-License-Identifier: MIT */
/*
 * Static x86-64 ELF programs: reading the headers. The files are measured, yet nothing in them is
 * believed without a check.
 */
#ifndef SNPVTPM_SVSM_PROCESS_ELF_H
#define SNPVTPM_SVSM_PROCESS_ELF_H

#include <stddef.h>
#include <stdint.h>

#include "svsm/base/status.h"

#define ELF_SEGMENTS_MAX 12
/* Addresses of a program lie below this: user memory with room above it. */
#define ELF_ADDRESS_MAX 0x0000100000000000ull

struct elf_segment {
    uint64_t address; /* as linked */
    uint64_t offset;  /* in the file */
    uint64_t file_size, memory_size;
    bool writable, executable;
};

struct elf_program {
    bool position_independent;
    uint64_t entry;
    uint64_t headers; /* address of the program headers, 0 if no segment holds them */
    uint16_t header_count, header_size;
    uint64_t end; /* first address behind all segments */
    size_t segment_count;
    struct elf_segment segments[ELF_SEGMENTS_MAX]; /* PT_LOAD, ascending, on distinct pages */
};

/*
 * STATUS_UNSUPPORTED for a file of another kind (32-bit, dynamic, another machine) and for code
 * that is writable or not whole in the file, STATUS_BAD_FORMAT for one whose headers contradict
 * themselves or the file's size.
 */
MUST_CHECK enum status elf_parse(const void *file, size_t size, struct elf_program *program);

#endif
