/* SPDX-License-Identifier: MIT */
/* Program headers: whatever is accepted lies in the file and in user memory. */
#include <stdint.h>

#include "svsm/process/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct elf_program program;

    if (elf_parse(data, size, &program) != STATUS_OK)
        return 0;
    for (size_t i = 0; i < program.segment_count; i++) {
        const struct elf_segment *segment = &program.segments[i];

        if (segment->file_size > segment->memory_size || segment->offset > size ||
            segment->file_size > size - segment->offset ||
            segment->address + segment->memory_size > program.end)
            __builtin_trap();
    }
    return 0;
}
