/* SPDX-License-Identifier: MIT */
#include "emulator/cpu/instruction.h"

#include "emulator/cpu/control.h"
#include "emulator/cpu/rmp.h"
#include "emulator/cpu/walk.h"
#include "emulator/platform/cpus.h"
#include "lib/snp/exit_codes.h"

#define RMP_INSTRUCTION_LENGTH 4
#define OWN_LENGTH_MAX         4 /* VMGEXIT */
#define MSR_EFER               0xC0000080u

static bool opcode_is(const uint8_t bytes[4], uint8_t prefix, uint8_t last)
{
    return bytes[0] == prefix && bytes[1] == 0x0F && bytes[2] == 0x01 && bytes[3] == last;
}

/* rFLAGS follow the return code like those of a TEST (APM vol. 3); CF is PVALIDATE's own. */
static void finish(struct vmpl_context *context, enum rmp_status status, bool carry)
{
    struct vmsa *save = context->save;
    uint64_t flags =
        save->rflags & ~(RFLAGS_OF | RFLAGS_SF | RFLAGS_ZF | RFLAGS_AF | RFLAGS_PF | RFLAGS_CF);

    if (status == RMP_SUCCESS)
        flags |= RFLAGS_ZF;
    if (!(__builtin_popcount(status & 0xFF) & 1))
        flags |= RFLAGS_PF;
    if (carry)
        flags |= RFLAGS_CF;
    save->rflags = flags;
    save->rax = status;
    context_skip(context, RMP_INSTRUCTION_LENGTH);
}

/* Finds the page that RAX names; all three instructions want it private and guest-owned. */
static enum instruction_result find_page(struct vmpl_context *context, gpa_t *page)
{
    uint64_t gva = context->save->rax & PAGE_MASK;
    struct translation to;
    const struct rmp_entry *entry;

    if (!walk(context, gva, &to)) {
        context->save->cr2 = gva;
        context_inject(context, VECTOR_PF, 0);
        return INSTRUCTION_DONE;
    }
    *page = to.gpa;
    entry = rmp_find(to.gpa);
    if (!to.private || !entry || !(entry->flags & RMP_ASSIGNED) || entry->gpa.v != to.gpa.v)
        return INSTRUCTION_NPF;
    return INSTRUCTION_UNKNOWN; /* go on with it */
}

static enum instruction_result pvalidate(struct vmpl_context *context, gpa_t *fault)
{
    const struct vmsa *save = context->save;
    bool unchanged = false;
    gpa_t page;
    enum instruction_result found;
    enum rmp_status status;

    if (context->vmpl != 0) {
        context_inject(context, VECTOR_GP, 0);
        return INSTRUCTION_DONE;
    }
    /* Only bit 0 of ECX and EDX counts: Linux passes C bools, with anything above them. */
    found = find_page(context, &page);
    *fault = page;
    if (found != INSTRUCTION_UNKNOWN)
        return found;
    status = rmp_pvalidate(page, save->rcx & 1, save->rdx & 1, &unchanged);
    if (status != RMP_SUCCESS || unchanged)
        trace_line("PVALIDATE of gpa %lx, rcx %lu, rdx %lu: %u, unchanged %u", page.v, save->rcx,
                   save->rdx, status, unchanged);
    finish(context, status, unchanged);
    return INSTRUCTION_DONE;
}

static enum instruction_result rmpadjust(struct vmpl_context *context, gpa_t *fault)
{
    const struct vmsa *save = context->save;
    gpa_t page;
    enum instruction_result found = find_page(context, &page);

    *fault = page;
    if (found != INSTRUCTION_UNKNOWN)
        return found;
    if (!(rmp_find(page)->flags & RMP_VALIDATED))
        return INSTRUCTION_NPF;
    finish(context, rmp_adjust(page, save->rcx & 1, context->vmpl, save->rdx), false);
    return INSTRUCTION_DONE;
}

static enum instruction_result rmpquery(struct vmpl_context *context, gpa_t *fault)
{
    struct vmsa *save = context->save;
    unsigned target = save->rdx & 0xFF;
    const struct rmp_entry *entry;
    gpa_t page;
    enum instruction_result found = find_page(context, &page);

    *fault = page;
    if (found != INSTRUCTION_UNKNOWN)
        return found;
    entry = rmp_find(page);
    if (!(entry->flags & RMP_VALIDATED))
        return INSTRUCTION_NPF;
    if (target >= VMPL_COUNT || target < context->vmpl) {
        finish(context, RMP_FAIL_PERMISSION, false);
        return INSTRUCTION_DONE;
    }
    save->rdx = target | (uint64_t)entry->permissions[target] << RMPADJUST_PERMISSIONS_SHIFT |
                (entry->flags & RMP_VMSA ? RMPADJUST_VMSA : 0);
    save->rcx = !!(entry->flags & RMP_LARGE);
    finish(context, RMP_SUCCESS, false);
    return INSTRUCTION_DONE;
}

enum instruction_result instruction_rmp(struct vmpl_context *context, gpa_t *fault)
{
    uint8_t bytes[RMP_INSTRUCTION_LENGTH];
    enum instruction_result (*carry_out)(struct vmpl_context *, gpa_t *);

    if (!guest_in_64bit_mode(context) || !guest_fetch(context, bytes, sizeof(bytes)))
        return INSTRUCTION_UNKNOWN;
    if (opcode_is(bytes, 0xF2, 0xFF))
        carry_out = pvalidate;
    else if (opcode_is(bytes, 0xF3, 0xFE))
        carry_out = rmpadjust;
    else if (opcode_is(bytes, 0xF3, 0xFD))
        carry_out = rmpquery;
    else
        return INSTRUCTION_UNKNOWN;
    if (context->save->cpl != 0) {
        context_inject(context, VECTOR_GP, 0);
        return INSTRUCTION_DONE;
    }
    return carry_out(context, fault);
}

#define BROADCAST_LENGTH 3
#define INVLPGB_ASID     0xFFFFu /* in RDX: a VM's own is 0 to it */

enum instruction_result instruction_broadcast(struct vmpl_context *context)
{
    struct vmsa *save = context->save;
    uint8_t bytes[BROADCAST_LENGTH];
    bool tlbsync;

    if (!guest_fetch(context, bytes, sizeof(bytes)) || bytes[0] != 0x0F || bytes[1] != 0x01 ||
        (bytes[2] != 0xFE && bytes[2] != 0xFF))
        return INSTRUCTION_UNKNOWN;
    tlbsync = bytes[2] == 0xFF;
    if (save->cpl != 0 || (!tlbsync && (save->rdx & INVLPGB_ASID) != 0)) {
        context_inject(context, VECTOR_GP, 0);
        return INSTRUCTION_DONE;
    }
    /* Done at once and for all addresses, so there is nothing left to wait for. */
    if (!tlbsync)
        host_shootdown();
    context_skip(context, BROADCAST_LENGTH);
    return INSTRUCTION_DONE;
}

bool instruction_is_vmgexit(const struct vmpl_context *context)
{
    uint8_t prefix;

    return guest_fetch(context, &prefix, 1) && (prefix == 0xF3 || prefix == 0xF2);
}

bool instruction_exits_at_once(const struct vmpl_context *context)
{
    const struct vmsa *save = context->save;
    struct vmcb *vmcb = context->vmcb;
    uint8_t bytes[OWN_LENGTH_MAX];

    if (!context->in_line || (vmcb->eventinj & EVENT_VALID) || (save->rflags & RFLAGS_TF) ||
        (save->rip & ~PAGE_MASK) < OWN_LENGTH_MAX ||
        (save->rip & ~PAGE_MASK) > PAGE_SIZE - OWN_LENGTH_MAX || !guest_in_64bit_mode(context) ||
        !guest_fetch(context, bytes, sizeof(bytes)))
        return false;
    if (bytes[0] == 0x0F && (bytes[1] == 0x30 || bytes[1] == 0x32) && save->cpl == 0 &&
        (uint32_t)save->rcx == MSR_GHCB) {
        vmcb->exitcode = SVM_EXIT_MSR;
        vmcb->exitinfo1 = bytes[1] == 0x30;
        return true;
    }
    if (!opcode_is(bytes, 0xF3, 0xD9))
        return false;
    vmcb->exitcode = SVM_EXIT_VMMCALL;
    return true;
}

uint64_t *general_register(struct vmsa *save, unsigned number)
{
    uint64_t *const registers[16] = {&save->rax, &save->rcx, &save->rdx, &save->rbx,
                                     &save->rsp, &save->rbp, &save->rsi, &save->rdi,
                                     &save->r8,  &save->r9,  &save->r10, &save->r11,
                                     &save->r12, &save->r13, &save->r14, &save->r15};

    return registers[number & 15];
}

enum instruction_result instruction_mov_cr0(struct vmpl_context *context)
{
    uint8_t bytes[5];
    unsigned at = 0, rex = 0;
    uint64_t value;
    bool written;

    if (!guest_fetch(context, bytes, sizeof(bytes)))
        return INSTRUCTION_UNKNOWN;
    while (at < 2 && (bytes[at] == 0x66 || bytes[at] == 0x67))
        at++;
    if (guest_in_64bit_mode(context) && (bytes[at] & 0xF0) == 0x40)
        rex = bytes[at++];
    if (bytes[at] == 0x0F && bytes[at + 1] == 0x22 && (bytes[at + 2] & 0x38) == 0) {
        value = *general_register(context->save, (bytes[at + 2] & 7) | (rex & 1) << 3);
        written = control_write_cr0(context->save,
                                    guest_in_64bit_mode(context) ? value : (uint32_t)value);
    } else if (bytes[at] == 0x0F && bytes[at + 1] == 0x01 && (bytes[at + 2] & 0xF8) == 0xF0) {
        /* LMSW from a register: the low four bits, PE can only be set */
        value = *general_register(context->save, (bytes[at + 2] & 7) | (rex & 1) << 3) & 0xF;
        written = control_write_cr0(context->save, (context->save->cr0 & ~0xEull) | value);
    } else {
        return INSTRUCTION_UNKNOWN;
    }
    if (written)
        context_skip(context, at + 3);
    else
        context_inject(context, VECTOR_GP, 0);
    return INSTRUCTION_DONE;
}

static bool read_msr(const struct vmpl_context *context, uint32_t msr, uint64_t *value)
{
    const struct vmsa *save = context->save;

    switch (msr) {
    case MSR_GHCB:
        *value = context->ghcb_msr;
        return true;
    case MSR_SEV_STATUS:
        *value =
            SEV_STATUS_SEV | SEV_STATUS_SEV_ES | save->sev_features << SEV_STATUS_FEATURES_SHIFT;
        return true;
    case MSR_EFER:
        *value = save->efer;
        return true;
    default:
        return false;
    }
}

static bool write_msr(struct vmpl_context *context, uint32_t msr, uint64_t value)
{
    if (msr == MSR_EFER)
        return control_write_efer(context->save, value);
    if (msr == MSR_GHCB)
        context->ghcb_msr = value;
    return msr == MSR_GHCB; /* SEV_STATUS is read-only */
}

enum instruction_result instruction_msr(struct vmpl_context *context, bool write)
{
    struct vmsa *save = context->save;
    uint32_t msr = (uint32_t)save->rcx;
    uint64_t value;

    if (!read_msr(context, msr, &value))
        return INSTRUCTION_UNKNOWN;
    if (write) {
        if (!write_msr(context, msr, (uint32_t)save->rax | save->rdx << 32)) {
            context_inject(context, VECTOR_GP, 0);
            return INSTRUCTION_DONE;
        }
    } else {
        save->rax = (uint32_t)value;
        save->rdx = value >> 32;
    }
    context_skip(context, MSR_LENGTH);
    return INSTRUCTION_DONE;
}
