/* SPDX-License-Identifier: MIT */
#include "emulator/cpu/operand.h"

#include "emulator/cpu/rmp.h"
#include "emulator/cpu/walk.h"
#include "lib/base/bytes.h"

#define INSTRUCTION_MAX 15
#define RSP_NUMBER      4
#define RBP_NUMBER      5
#define PAGING_ADDRESS  47 /* the highest bit of a linear address; those above are copies */

/* What is read of an instruction so far. Zeros follow the last byte that could be fetched. */
struct decoder {
    const struct vmpl_context *context;
    uint8_t bytes[INSTRUCTION_MAX + 8];
    unsigned at;
    bool long_mode; /* 64-bit code */
    uint8_t rex, modrm;
    bool short_address;                /* prefix 67 */
    const struct vmsa_segment *chosen; /* by a prefix */
};

static uint8_t next(struct decoder *d)
{
    return d->bytes[d->at++];
}

/* The instruction may be the last one before a page that is not there. */
static bool fetch(struct decoder *d)
{
    const struct vmsa *save = d->context->save;
    uint64_t at = (d->long_mode ? 0 : save->cs.base) + save->rip;
    uint64_t left = PAGE_SIZE - (at & ~PAGE_MASK);

    return guest_fetch(d->context, d->bytes, INSTRUCTION_MAX) ||
           (left < INSTRUCTION_MAX && guest_fetch(d->context, d->bytes, left));
}

/* False: a prefix that none of these instructions has. */
static bool read_prefixes(struct decoder *d)
{
    const struct vmsa *save = d->context->save;

    for (; d->at < INSTRUCTION_MAX; d->at++) {
        switch (d->bytes[d->at]) {
        case 0x26:
        case 0x2E:
        case 0x36:
        case 0x3E:
            if (!d->long_mode) {
                const struct vmsa_segment *segments[] = {&save->es, &save->cs, &save->ss,
                                                         &save->ds};

                d->chosen = segments[d->bytes[d->at] >> 3 & 3];
            }
            break;
        case 0x64:
            d->chosen = &save->fs;
            break;
        case 0x65:
            d->chosen = &save->gs;
            break;
        case 0x67:
            d->short_address = true;
            break;
        case 0x66:
        case 0xF0:
        case 0xF2:
        case 0xF3:
            return false;
        default:
            if (d->long_mode && (d->bytes[d->at] & 0xF0) == 0x40)
                d->rex = next(d);
            return true;
        }
    }
    return false;
}

static uint64_t value_of(const struct decoder *d, unsigned number)
{
    return *general_register(d->context->save, number);
}

static uint64_t displacement(struct decoder *d, unsigned size)
{
    uint64_t value = size == 1   ? (uint64_t)(int8_t)d->bytes[d->at]
                     : size == 4 ? (uint64_t)(int32_t)get_le32(d->bytes + d->at)
                                 : 0;

    d->at += size;
    return value;
}

/* Offset in the segment; *on_stack: that is SS where no prefix says otherwise. */
static uint64_t read_offset(struct decoder *d, bool *on_stack)
{
    unsigned mod = d->modrm >> 6, base = d->modrm & 7;
    unsigned size = mod == 1 ? 1 : mod == 2 ? 4 : 0;
    uint64_t offset = 0;

    if (base == RSP_NUMBER) {
        uint8_t sib = next(d);
        unsigned index = (sib >> 3 & 7) | (d->rex & 2) << 2;

        base = sib & 7;
        if (index != RSP_NUMBER)
            offset = value_of(d, index) << (sib >> 6);
        if (base == RBP_NUMBER && mod == 0)
            return offset + displacement(d, 4);
    } else if (base == RBP_NUMBER && mod == 0) {
        offset = displacement(d, 4);
        return d->long_mode ? offset + d->context->save->rip + d->at : offset;
    }
    *on_stack = base == RSP_NUMBER || base == RBP_NUMBER;
    if (d->rex & 1)
        *on_stack = false;
    offset += value_of(d, base | (d->rex & 1) << 3);
    return offset + displacement(d, size);
}

static uint64_t read_address(struct decoder *d)
{
    const struct vmsa *save = d->context->save;
    bool on_stack = false;
    uint64_t offset = read_offset(d, &on_stack);
    uint64_t base = on_stack ? save->ss.base : save->ds.base;

    if (d->short_address || !d->long_mode)
        offset = (uint32_t)offset;
    if (d->long_mode)
        return offset + (d->chosen ? d->chosen->base : 0);
    return (uint32_t)(offset + (d->chosen ? d->chosen->base : base));
}

bool operand_decode(const struct vmpl_context *context, struct operand *out)
{
    struct decoder d = {.context = context, .long_mode = guest_in_64bit_mode(context)};

    if (!fetch(&d) || !read_prefixes(&d) || next(&d) != 0x0F)
        return false;
    if (!d.long_mode && (!(context->save->cs.attributes & SEGMENT_DB) || d.short_address))
        return false;
    out->opcode = next(&d);
    d.modrm = next(&d);
    if (d.at > INSTRUCTION_MAX || d.modrm >> 6 == 3)
        return false;
    out->reg = d.modrm >> 3 & 7;
    out->wide = d.rex & 8;
    out->address = read_address(&d);
    out->length = d.at;
    return d.at <= INSTRUCTION_MAX;
}

static bool is_canonical(uint64_t address)
{
    int64_t above = (int64_t)address >> PAGING_ADDRESS;

    return above == 0 || above == -1;
}

/* The rights of the guest's own tables. */
static bool allowed(const struct vmpl_context *context, const struct translation *to, bool write)
{
    const struct vmsa *save = context->save;

    if (save->cpl == 3)
        return to->user && (to->writable || !write);
    if (to->user && (save->cr4 & CR4_SMAP) && !(save->rflags & RFLAGS_AC))
        return false;
    return to->writable || !write || !(save->cr0 & CR0_WP);
}

static enum instruction_result check_page(struct vmpl_context *context, uint64_t address,
                                          bool write, gpa_t *fault)
{
    enum rmp_permission access = write ? RMP_WRITE : RMP_READ;
    struct translation to;
    bool present = walk(context, address, &to);

    if (!present || !allowed(context, &to, write)) {
        context->save->cr2 = address;
        context_inject(context, VECTOR_PF,
                       (present ? PF_PRESENT : 0) | (write ? PF_WRITE : 0) |
                           (context->save->cpl == 3 ? PF_USER : 0));
        return INSTRUCTION_DONE;
    }
    *fault = to.gpa;
    if (to.private ? !rmp_allows(to.gpa, context->vmpl, access)
                   : !rmp_find(to.gpa) || (rmp_find(to.gpa)->flags & RMP_ASSIGNED))
        return INSTRUCTION_NPF;
    if (to.entry)
        __atomic_fetch_or(to.entry, PTE_ACCESSED | (write ? PTE_DIRTY : 0), __ATOMIC_SEQ_CST);
    return INSTRUCTION_UNKNOWN;
}

enum instruction_result operand_check(struct vmpl_context *context, uint64_t address, size_t size,
                                      bool write, gpa_t *fault)
{
    uint64_t last = address + size - 1;
    enum instruction_result result;

    if (!is_canonical(address) || !is_canonical(last)) {
        context_inject(context, VECTOR_GP, 0);
        return INSTRUCTION_DONE;
    }
    result = check_page(context, address, write, fault);
    if (result == INSTRUCTION_UNKNOWN && (address ^ last) & PAGE_MASK)
        result = check_page(context, last & PAGE_MASK, write, fault);
    return result;
}
