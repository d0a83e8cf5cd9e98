/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <string.h>

#include "svsm/process/elf.h"
#include "tests/unit/registered.h"

static struct {
    Elf64_Ehdr header;
    Elf64_Phdr segments[3];
    uint8_t rest[0x3000 - sizeof(Elf64_Ehdr) - 3 * sizeof(Elf64_Phdr)];
} file;
static struct elf_program program;

/* Text at 0x400000 that holds the headers, data with BSS behind. */
static int valid_file(void **state)
{
    (void)state;
    memset(&file, 0, sizeof(file));
    memcpy(file.header.e_ident, ELFMAG, SELFMAG);
    file.header.e_ident[EI_CLASS] = ELFCLASS64;
    file.header.e_ident[EI_DATA] = ELFDATA2LSB;
    file.header.e_type = ET_EXEC;
    file.header.e_machine = EM_X86_64;
    file.header.e_entry = 0x400800;
    file.header.e_phoff = sizeof(Elf64_Ehdr);
    file.header.e_phentsize = sizeof(Elf64_Phdr);
    file.header.e_phnum = 3;
    file.segments[0] = (Elf64_Phdr){.p_type = PT_LOAD,
                                    .p_flags = PF_R | PF_X,
                                    .p_vaddr = 0x400000,
                                    .p_filesz = 0x1000,
                                    .p_memsz = 0x1000};
    file.segments[1] = (Elf64_Phdr){.p_type = PT_LOAD,
                                    .p_flags = PF_R | PF_W,
                                    .p_offset = 0x1800,
                                    .p_vaddr = 0x402800,
                                    .p_filesz = 0x100,
                                    .p_memsz = 0x2000};
    file.segments[2] = (Elf64_Phdr){.p_type = PT_TLS};
    return 0;
}

static enum status parse(void)
{
    return elf_parse(&file, sizeof(file), &program);
}

TEST_SETUP(a_static_program_is_read, valid_file)
{
    assert_int_equal(parse(), STATUS_OK);
    assert_int_equal(program.segment_count, 2);
    assert_true(program.segments[0].executable);
    assert_false(program.segments[0].writable);
    assert_true(program.segments[1].writable);
    assert_int_equal(program.headers, 0x400000 + sizeof(Elf64_Ehdr));
    assert_int_equal(program.header_count, 3);
    assert_int_equal(program.end, 0x405000);
    assert_false(program.position_independent);
}

TEST_SETUP(files_of_another_kind_are_refused, valid_file)
{
    file.header.e_machine = EM_386;
    assert_int_equal(parse(), STATUS_UNSUPPORTED);
    valid_file(state);
    file.header.e_ident[EI_CLASS] = ELFCLASS32;
    assert_int_equal(parse(), STATUS_UNSUPPORTED);
    valid_file(state);
    file.header.e_type = ET_REL;
    assert_int_equal(parse(), STATUS_UNSUPPORTED);
    valid_file(state);
    file.segments[2].p_type = PT_INTERP;
    assert_int_equal(parse(), STATUS_UNSUPPORTED);
    valid_file(state);
    file.header.e_ident[0] = 0;
    assert_int_equal(parse(), STATUS_UNSUPPORTED);
}

TEST_SETUP(headers_outside_the_file_are_refused, valid_file)
{
    file.header.e_phoff = UINT64_MAX;
    assert_int_equal(parse(), STATUS_BAD_FORMAT);
    file.header.e_phoff = sizeof(file) - 8;
    assert_int_equal(parse(), STATUS_BAD_FORMAT);
    valid_file(state);
    file.header.e_phnum = UINT16_MAX;
    assert_int_equal(parse(), STATUS_BAD_FORMAT);
    file.header.e_phnum = 0;
    assert_int_equal(parse(), STATUS_BAD_FORMAT);
    valid_file(state);
    file.header.e_phentsize = 8;
    assert_int_equal(parse(), STATUS_BAD_FORMAT);
    assert_int_equal(elf_parse(&file, 10, &program), STATUS_BAD_FORMAT);
}

TEST_SETUP(segments_outside_the_file_are_refused, valid_file)
{
    file.segments[1].p_offset = UINT64_MAX - 0x7FF;
    assert_int_equal(parse(), STATUS_BAD_FORMAT);
    valid_file(state);
    file.segments[1].p_filesz = 0x1801;
    assert_int_equal(parse(), STATUS_BAD_FORMAT);
    valid_file(state);
    file.segments[1].p_filesz = file.segments[1].p_memsz + 1;
    assert_int_equal(parse(), STATUS_BAD_FORMAT);
}

TEST_SETUP(segments_outside_user_memory_are_refused, valid_file)
{
    file.segments[1].p_vaddr = 0xFFFFFFFF80000800;
    assert_int_equal(parse(), STATUS_BAD_FORMAT);
    file.segments[1].p_vaddr = 0x402800;
    file.segments[1].p_memsz = UINT64_MAX;
    assert_int_equal(parse(), STATUS_BAD_FORMAT);
}

TEST_SETUP(segments_that_share_a_page_or_descend_are_refused, valid_file)
{
    file.segments[1].p_vaddr = 0x400800;
    assert_int_equal(parse(), STATUS_BAD_FORMAT);
    file.segments[1].p_vaddr = 0x3FF800;
    assert_int_equal(parse(), STATUS_BAD_FORMAT);
    file.segments[1].p_vaddr = 0x402900; /* not congruent to its place in the file */
    assert_int_equal(parse(), STATUS_BAD_FORMAT);
}

TEST_SETUP(writable_code_is_refused, valid_file)
{
    file.segments[0].p_flags |= PF_W;
    assert_int_equal(parse(), STATUS_UNSUPPORTED);
}

TEST_SETUP(an_entry_outside_the_code_is_refused, valid_file)
{
    file.header.e_entry = 0x402800;
    assert_int_equal(parse(), STATUS_BAD_FORMAT);
    file.header.e_entry = 0;
    assert_int_equal(parse(), STATUS_BAD_FORMAT);
}
