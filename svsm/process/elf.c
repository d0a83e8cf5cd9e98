/* SPDX-License-Identifier: MIT */
#include "svsm/process/elf.h"

#include <elf.h>

#include "lib/base/reader.h"
#include "lib/snp/page.h"

static enum status read_header(const struct reader *file, Elf64_Ehdr *header)
{
    struct reader r = *file;

    if (!reader_copy(&r, header, sizeof(*header)))
        return STATUS_BAD_FORMAT;
    if (__builtin_memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_machine != EM_X86_64 || (header->e_type != ET_EXEC && header->e_type != ET_DYN))
        return STATUS_UNSUPPORTED;
    return header->e_phentsize == sizeof(Elf64_Phdr) && header->e_phnum > 0 ? STATUS_OK
                                                                            : STATUS_BAD_FORMAT;
}

static uint64_t page_down(uint64_t address)
{
    return address & PAGE_MASK;
}

static uint64_t page_up(uint64_t address)
{
    return (address + PAGE_SIZE - 1) & PAGE_MASK;
}

/* Checks one PT_LOAD against the file's size and the segments before it. */
static enum status add_segment(struct elf_program *program, const Elf64_Phdr *header,
                               size_t file_size)
{
    struct elf_segment *segment;

    if (header->p_memsz == 0)
        return STATUS_OK;
    if (program->segment_count == ELF_SEGMENTS_MAX)
        return STATUS_UNSUPPORTED;
    if (header->p_filesz > header->p_memsz || header->p_offset > file_size ||
        header->p_filesz > file_size - header->p_offset)
        return STATUS_BAD_FORMAT;
    if (header->p_vaddr >= ELF_ADDRESS_MAX || header->p_memsz >= ELF_ADDRESS_MAX ||
        page_down(header->p_vaddr) < program->end ||
        header->p_vaddr % PAGE_SIZE != header->p_offset % PAGE_SIZE)
        return STATUS_BAD_FORMAT;
    if ((header->p_flags & PF_X) &&
        ((header->p_flags & PF_W) || header->p_filesz != header->p_memsz))
        return STATUS_UNSUPPORTED;

    segment = &program->segments[program->segment_count++];
    *segment = (struct elf_segment){
        .address = header->p_vaddr,
        .offset = header->p_offset,
        .file_size = header->p_filesz,
        .memory_size = header->p_memsz,
        .writable = (header->p_flags & PF_W) != 0,
        .executable = (header->p_flags & PF_X) != 0,
    };
    program->end = page_up(header->p_vaddr + header->p_memsz);
    return STATUS_OK;
}

/* Where the program finds its own headers in memory (AT_PHDR). */
static uint64_t headers_address(const struct elf_program *program, uint64_t offset, uint64_t size)
{
    for (size_t i = 0; i < program->segment_count; i++) {
        const struct elf_segment *segment = &program->segments[i];

        if (offset >= segment->offset && size <= segment->file_size &&
            offset - segment->offset <= segment->file_size - size)
            return segment->address + (offset - segment->offset);
    }
    return 0;
}

static bool entry_is_code(const struct elf_program *program)
{
    for (size_t i = 0; i < program->segment_count; i++) {
        const struct elf_segment *segment = &program->segments[i];

        if (segment->executable && program->entry >= segment->address &&
            program->entry - segment->address < segment->file_size)
            return true;
    }
    return false;
}

enum status elf_parse(const void *bytes, size_t size, struct elf_program *program)
{
    struct reader file = reader_over(bytes, size);
    struct reader headers;
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    enum status status = read_header(&file, &header);

    if (status != STATUS_OK)
        return status;
    if (!reader_window(&file, &headers, header.e_phoff,
                       (size_t)header.e_phnum * sizeof(Elf64_Phdr)))
        return STATUS_BAD_FORMAT;

    *program = (struct elf_program){
        .position_independent = header.e_type == ET_DYN,
        .entry = header.e_entry,
        .header_count = header.e_phnum,
        .header_size = header.e_phentsize,
    };
    while (status == STATUS_OK && reader_copy(&headers, &segment, sizeof(segment))) {
        if (segment.p_type == PT_INTERP)
            status = STATUS_UNSUPPORTED;
        else if (segment.p_type == PT_LOAD)
            status = add_segment(program, &segment, size);
    }
    if (status != STATUS_OK)
        return status;
    program->headers =
        headers_address(program, header.e_phoff, (uint64_t)header.e_phnum * sizeof(Elf64_Phdr));
    return entry_is_code(program) ? STATUS_OK : STATUS_BAD_FORMAT;
}
