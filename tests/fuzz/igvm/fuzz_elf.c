/* SPDX-License-Identifier: MIT */
/* The input is an ELF file; every byte of an accepted segment must be readable. */
#include <stdlib.h>

#include "igvm/elf_image.h"

static volatile uint8_t sink;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct elf_image elf;

    if (elf_parse(data, size, &elf) != ELF_OK)
        return 0;
    for (size_t i = 0; i < elf.segment_count; i++) {
        const struct elf_segment *segment = &elf.segments[i];

        if (segment->contents_size > segment->memory_size)
            abort();
        for (size_t j = 0; j < segment->contents_size; j++)
            sink = segment->contents[j];
    }
    return 0;
}
