/* SPDX-License-Identifier: MIT */
#include "svsm/process/loader.h"

#include <elf.h>

#include "lib/freestanding/string.h"
#include "svsm/arch/memory.h"
#include "svsm/process/random.h"

#define LOAD_BASE        0x0000400000000000ull /* of position-independent programs, plus a random part */
#define LOAD_RANDOM_MASK 0x00000FFFFFE00000ull
#define STACK_TOP        0x00007FFFF0000000ull
#define STACK_SIZE       0x80000ull
#define RANDOM_SIZE      16 /* AT_RANDOM */
#define STACK_ALIGNMENT  16

static uint64_t load_base(const struct elf_program *program)
{
    uint64_t base;

    if (!program->position_independent)
        return 0;
    random_bytes(&base, sizeof(base));
    return LOAD_BASE + (base & LOAD_RANDOM_MASK);
}

/* A page of a read-only segment, whole in the file: no copy. */
static enum status map_in_place(struct process *process, const struct elf_segment *segment,
                                uint64_t base, gpa_t file)
{
    uint64_t start = (base + segment->address) & PAGE_MASK;
    uint64_t end = align_up(base + segment->address + segment->file_size, PAGE_SIZE);
    gpa_t page = gpa_add(file, segment->offset & PAGE_MASK);
    enum status status = STATUS_OK;

    for (uint64_t at = start; at < end && status == STATUS_OK; at += PAGE_SIZE) {
        status =
            address_space_map_in_place(&process->space, (uva_t){at}, page, segment->executable);
        page = gpa_add(page, PAGE_SIZE);
    }
    return status;
}

/* Maps zeroed pages, fills them, and only then gives the segment's own protection. */
static enum status map_copy(struct process *process, const struct elf_segment *segment,
                            uint64_t base, gpa_t file)
{
    uint64_t start = (base + segment->address) & PAGE_MASK;
    uint64_t size = align_up(base + segment->address + segment->memory_size, PAGE_SIZE) - start;
    struct protection filling = {.read = true, .write = true};
    struct protection final = {.read = true, .write = segment->writable};
    enum status status = address_space_map_new(&process->space, (uva_t){start}, size, filling);

    if (status == STATUS_OK)
        status = user_write(&process->space, (uva_t){base + segment->address},
                            gpa_pointer(gpa_add(file, segment->offset)), segment->file_size);
    if (status == STATUS_OK)
        status = address_space_protect(&process->space, (uva_t){start}, size, final);
    return status;
}

static enum status map_segments(struct process *process, const struct elf_program *program,
                                uint64_t base, gpa_t file)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < program->segment_count && status == STATUS_OK; i++) {
        const struct elf_segment *segment = &program->segments[i];
        bool in_place = !segment->writable && segment->file_size == segment->memory_size;

        status = in_place ? map_in_place(process, segment, base, file)
                          : map_copy(process, segment, base, file);
    }
    return status;
}

/*
 * The stack as the System V ABI has it: argc, argv, envp, auxv, and above them what these point to.
 * Built in a buffer whose end stands for STACK_TOP.
 */
static enum status make_stack(struct process *process, const struct elf_program *program,
                              uint64_t base)
{
    uint8_t random[RANDOM_SIZE];
    size_t name_size = strlen(process->name) + 1;
    uint64_t name_at = STACK_TOP - align_up(name_size, STACK_ALIGNMENT);
    uint64_t random_at = name_at - sizeof(random);
    const uint64_t words[] = {
        1,         name_at,
        0, /* argc, argv */
        0, /* envp */
        AT_PHDR,   program->headers == 0 ? 0 : base + program->headers,
        AT_PHENT,  program->header_size,
        AT_PHNUM,  program->header_count,
        AT_PAGESZ, PAGE_SIZE,
        AT_BASE,   0,
        AT_FLAGS,  0,
        AT_ENTRY,  base + program->entry,
        AT_UID,    0,
        AT_EUID,   0,
        AT_GID,    0,
        AT_EGID,   0,
        AT_SECURE, 0,
        AT_CLKTCK, 100,
        AT_RANDOM, random_at,
        AT_EXECFN, name_at,
        AT_NULL,   0,
    };
    uint64_t words_at = (random_at - sizeof(words)) & ~(uint64_t)(STACK_ALIGNMENT - 1);
    struct protection protection = {.read = true, .write = true};
    enum status status = address_space_map_new(&process->space, (uva_t){STACK_TOP - STACK_SIZE},
                                               STACK_SIZE, protection);

    random_bytes(random, sizeof(random));
    if (status == STATUS_OK)
        status = user_write(&process->space, (uva_t){name_at}, process->name, name_size);
    if (status == STATUS_OK)
        status = user_write(&process->space, (uva_t){random_at}, random, sizeof(random));
    if (status == STATUS_OK)
        status = user_write(&process->space, (uva_t){words_at}, words, sizeof(words));
    process->registers.rsp = words_at;
    return status;
}

enum status loader_load(struct process *process, gpa_t file, size_t size)
{
    struct elf_program program;
    uint64_t base;
    enum status status = elf_parse(gpa_pointer(file), size, &program);

    if (status != STATUS_OK)
        return status;
    base = load_base(&program);
    process->registers.rip = base + program.entry;
    process->break_start = base + program.end;
    process->break_now = process->break_start;
    status = map_segments(process, &program, base, file);
    if (status == STATUS_OK)
        status = make_stack(process, &program, base);
    return status;
}
