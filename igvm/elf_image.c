/* SPDX-License-Identifier: MIT */
#include "igvm/elf_image.h"

#include <elf.h>
#include <string.h>

#include "lib/base/reader.h"

static enum elf_error check_header(const Elf64_Ehdr *header)
{
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return ELF_ERROR_NOT_ELF;
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_machine != EM_X86_64 || (header->e_type != ET_EXEC && header->e_type != ET_DYN))
        return ELF_ERROR_MACHINE;
    if (header->e_phentsize != sizeof(Elf64_Phdr))
        return ELF_ERROR_HEADERS;
    return ELF_OK;
}

static enum elf_error add_segment(struct elf_image *elf, const struct reader *file,
                                  const Elf64_Phdr *program)
{
    struct reader contents;

    if (program->p_filesz > program->p_memsz || program->p_memsz > UINT64_MAX - program->p_paddr ||
        !reader_window(file, &contents, program->p_offset, program->p_filesz))
        return ELF_ERROR_SEGMENT;
    if (program->p_memsz == 0)
        return ELF_OK;
    if (elf->segment_count == ELF_SEGMENTS_MAX)
        return ELF_ERROR_SEGMENT_COUNT;
    elf->segments[elf->segment_count++] =
        (struct elf_segment){.paddr = program->p_paddr,
                             .contents = contents.next,
                             .contents_size = contents.left,
                             .memory_size = program->p_memsz,
                             .executable = (program->p_flags & PF_X) != 0};
    return ELF_OK;
}

static enum elf_error add_program_header(struct elf_image *elf, const struct reader *file,
                                         const Elf64_Phdr *program)
{
    switch (program->p_type) {
    case PT_LOAD:
        return add_segment(elf, file, program);
    case PT_INTERP:
        return ELF_ERROR_DYNAMIC;
    default:
        return ELF_OK;
    }
}

enum elf_error elf_parse(const void *bytes, size_t size, struct elf_image *elf)
{
    struct reader file = reader_over(bytes, size);
    struct reader start = file;
    struct reader programs;
    Elf64_Ehdr header;
    Elf64_Phdr program;
    enum elf_error error;

    if (!reader_copy(&start, &header, sizeof(header)))
        return ELF_ERROR_NOT_ELF;
    error = check_header(&header);
    if (error != ELF_OK)
        return error;
    if (!reader_window(&file, &programs, header.e_phoff, header.e_phnum * sizeof(program)))
        return ELF_ERROR_HEADERS;

    *elf = (struct elf_image){.entry = header.e_entry};
    while (reader_copy(&programs, &program, sizeof(program))) {
        error = add_program_header(elf, &file, &program);
        if (error != ELF_OK)
            return error;
    }
    return elf->segment_count == 0 ? ELF_ERROR_NO_SEGMENT : ELF_OK;
}

const char *elf_error_text(enum elf_error error)
{
    switch (error) {
    case ELF_OK:
        return "no error";
    case ELF_ERROR_NOT_ELF:
        return "not an ELF file";
    case ELF_ERROR_MACHINE:
        return "not an ELF executable for x86-64";
    case ELF_ERROR_HEADERS:
        return "its program headers are damaged";
    case ELF_ERROR_SEGMENT:
        return "one of its segments is damaged or lies outside the file";
    case ELF_ERROR_SEGMENT_COUNT:
        return "it has too many segments";
    case ELF_ERROR_NO_SEGMENT:
        return "it has no segment to load";
    case ELF_ERROR_DYNAMIC:
        return "it needs a dynamic linker; link it statically";
    }
    return "unknown error";
}
