/* SPDX-License-Identifier: MIT */
#include "emulator/cpu/vc.h"

#include "emulator/cpu/walk.h"
#include "lib/base/bytes.h"

#define GATE_PRESENT   (1u << 15)
#define GATE_TYPE(f)   ((f) >> 8 & 0xF)
#define GATE_INTERRUPT 0xE
#define GATE_TRAP      0xF

struct gate {
    uint64_t offset;
    uint16_t selector;
    uint16_t flags; /* [2:0] IST, [11:8] type, 15 present */
};

static bool read_gate(const struct vmpl_context *context, struct gate *gate)
{
    const struct vmsa_segment *idtr = &context->save->idtr;
    bool wide = guest_in_long_mode(context);
    size_t size = wide ? 16 : 8;
    uint8_t raw[16] = {0};

    if (VECTOR_VC * size + size - 1 > idtr->limit ||
        !guest_read(context, idtr->base + VECTOR_VC * size, raw, size))
        return false;
    gate->selector = get_le16(raw + 2);
    gate->flags = get_le16(raw + 4);
    gate->offset = get_le16(raw) | (uint64_t)get_le16(raw + 6) << 16;
    if (wide)
        gate->offset |= (uint64_t)get_le32(raw + 8) << 32;
    return (gate->flags & GATE_PRESENT) &&
           (GATE_TYPE(gate->flags) == GATE_INTERRUPT || GATE_TYPE(gate->flags) == GATE_TRAP);
}

/* Loads a code segment's hidden part from the guest's GDT. */
static bool read_code_segment(const struct vmpl_context *context, uint16_t selector,
                              struct vmsa_segment *out)
{
    const struct vmsa_segment *gdtr = &context->save->gdtr;
    uint8_t raw[8];
    uint64_t d;

    if ((selector & ~7u) == 0 || (selector & 4) || (selector | 7u) > gdtr->limit ||
        !guest_read(context, gdtr->base + (selector & ~7u), raw, sizeof(raw)))
        return false;
    d = get_le64(raw);
    out->selector = selector;
    out->attributes = (uint16_t)((d >> 40 & 0xFF) | (d >> 52 & 0xF) << 8);
    out->limit = (uint32_t)((d & 0xFFFF) | (d >> 32 & 0xF0000));
    if (out->attributes & 0x800)
        out->limit = out->limit << 12 | 0xFFF;
    out->base = (d >> 16 & 0xFFFFFF) | (d >> 32 & 0xFF000000);
    return true;
}

#define TSS_RSP0 0x04
#define TSS_IST1 0x24

static bool read_tss(const struct vmpl_context *context, unsigned offset, uint64_t *value)
{
    const struct vmsa_segment *tr = &context->save->tr;
    uint8_t raw[8];

    if (offset + sizeof(raw) - 1 > tr->limit ||
        !guest_read(context, tr->base + offset, raw, sizeof(raw)))
        return false;
    *value = get_le64(raw);
    return true;
}

static void enter_handler(struct vmpl_context *context, const struct gate *gate,
                          const struct vmsa_segment *cs, unsigned cpl)
{
    struct vmsa *save = context->save;

    save->rflags &= ~(RFLAGS_TF | RFLAGS_NT | RFLAGS_RF);
    if (GATE_TYPE(gate->flags) == GATE_INTERRUPT)
        save->rflags &= ~RFLAGS_IF;
    save->cs = *cs;
    save->cs.selector = (uint16_t)((cs->selector & ~3u) | cpl);
    save->rip = gate->offset;
    save->cpl = (uint8_t)cpl;
    context->vmcb->int_state = 0;
}

static bool raise_long_mode(struct vmpl_context *context, const struct gate *gate,
                            const struct vmsa_segment *cs, uint32_t error)
{
    struct vmsa *save = context->save;
    unsigned cpl = cs->attributes >> 5 & 3;
    unsigned ist = gate->flags & 7;
    uint64_t rsp = save->rsp;
    uint64_t frame[6] = {error, save->rip, save->cs.selector, save->rflags, rsp, save->ss.selector};

    if (!(cs->attributes & SEGMENT_L) || cpl > save->cpl)
        return false;
    if (ist && !read_tss(context, TSS_IST1 + 8 * (ist - 1), &rsp))
        return false;
    if (!ist && cpl < save->cpl && !read_tss(context, TSS_RSP0 + 8 * cpl, &rsp))
        return false;
    rsp = (rsp & ~15ull) - sizeof(frame);
    if (!guest_write(context, rsp, frame, sizeof(frame)))
        return false;
    if (cpl < save->cpl)
        save->ss = (struct vmsa_segment){.selector = (uint16_t)cpl, .attributes = 0};
    enter_handler(context, gate, cs, cpl);
    save->rsp = rsp;
    return true;
}

/* Protected mode without a change of privilege: what firmware uses before long mode. */
static bool raise_protected_mode(struct vmpl_context *context, const struct gate *gate,
                                 const struct vmsa_segment *cs, uint32_t error)
{
    struct vmsa *save = context->save;
    uint32_t frame[4] = {error, (uint32_t)save->rip, save->cs.selector, (uint32_t)save->rflags};
    uint32_t esp = (uint32_t)save->rsp - sizeof(frame);

    if ((cs->attributes >> 5 & 3) != save->cpl || !(cs->attributes & SEGMENT_DB))
        return false;
    if (!guest_write(context, (uint32_t)(save->ss.base + esp), frame, sizeof(frame)))
        return false;
    enter_handler(context, gate, cs, save->cpl);
    save->rsp = esp;
    return true;
}

bool vc_raise(struct vmpl_context *context, uint32_t error)
{
    struct gate gate;
    struct vmsa_segment cs;

    if (!(context->save->cr0 & CR0_PE) || !read_gate(context, &gate) ||
        !read_code_segment(context, gate.selector, &cs))
        return false;
    if (guest_in_long_mode(context))
        return raise_long_mode(context, &gate, &cs, error);
    return raise_protected_mode(context, &gate, &cs, error);
}
