/* SPDX-License-Identifier: MIT */
#include "svsm/trap/traps.h"

#include <stdbool.h>
#include <stddef.h>

#include "lib/freestanding/string.h"
#include "lib/snp/exit_codes.h"
#include "svsm/arch/cpu.h"
#include "svsm/arch/cpu_area.h"
#include "svsm/arch/fault_table.h"
#include "svsm/arch/segments.h"
#include "svsm/arch/usermode.h"
#include "svsm/base/panic.h"
#include "svsm/process/process.h"
#include "svsm/trap/frame.h"

#define STUB_SIZE     16
#define GATE_TYPE     0x8E /* present, DPL 0, interrupt gate */
#define OPCODE_CPUID0 0x0F
#define OPCODE_CPUID1 0xA2

struct gate {
    uint16_t offset_0;
    uint16_t selector;
    uint8_t stack;
    uint8_t type;
    uint16_t offset_16;
    uint32_t offset_32;
    uint32_t reserved;
};

struct fault_line {
    uint64_t at, resume;
};

extern const uint8_t trap_stubs[], trap_stubs_end[];
extern const struct fault_line fault_table_start[], fault_table_end[];
extern const uint8_t kernel_start[], text_end[];

void trap_handle(struct trap_frame *frame);
_Noreturn void trap_nested(const struct trap_frame *frame);

static struct gate idt[TRAP_VECTORS];

static bool from_user(const struct trap_frame *frame)
{
    return frame->cs == USER_CODE_RING3;
}

static enum trap_stack stack_of(unsigned vector)
{
    switch (vector) {
    case TRAP_VC:
        return TRAP_STACK_VC;
    case TRAP_DF:
        return TRAP_STACK_DF;
    case TRAP_PF:
        return TRAP_STACK_PF;
    default:
        return trap_is_event(vector) ? TRAP_STACK_EVENT : TRAP_STACK_OTHER;
    }
}

/* The handler does not return to what it interrupted. */
static _Noreturn void leave_service(const struct trap_frame *frame)
{
    cpu_local()->trap_active = 0;
    usermode_leave_on_fault(&(struct user_fault){
        .vector = trap_vector(frame),
        .error = frame->error,
        .rip = frame->rip,
        .address = cr2_read(),
    });
}

/* Resumes behind a guarded access; false when the instruction is not in the table. */
static bool resume_guarded_access(struct trap_frame *frame)
{
    for (const struct fault_line *line = fault_table_start; line < fault_table_end; line++) {
        if (line->at == frame->rip) {
            frame->rip = line->resume;
            frame->rax = FAULTED;
            return true;
        }
    }
    return false;
}

/* The host chooses the error code; the bytes at RIP say what the instruction really is. */
static bool is_cpuid_instruction(const struct trap_frame *frame)
{
    uint8_t opcode[2];

    if (from_user(frame)) {
        if (process_peek(cpu_local()->cpu, (uva_t){frame->rip}, opcode, sizeof(opcode)) !=
            STATUS_OK)
            return false;
    } else {
        if (frame->rip < (uint64_t)kernel_start || frame->rip > (uint64_t)text_end - 2)
            return false;
        memcpy(opcode, (const void *)frame->rip, sizeof(opcode));
    }
    return opcode[0] == OPCODE_CPUID0 && opcode[1] == OPCODE_CPUID1;
}

static void answer_cpuid(struct trap_frame *frame)
{
    struct cpuid_registers r =
        cpuid_read(&cpu_local()->cpu->cpuid, (uint32_t)frame->rax, (uint32_t)frame->rcx);

    frame->rax = r.eax;
    frame->rbx = r.ebx;
    frame->rcx = r.ecx;
    frame->rdx = r.edx;
    frame->rip += 2;
}

static void handle_vc(struct trap_frame *frame)
{
    if (frame->error == SVM_EXIT_CPUID && is_cpuid_instruction(frame)) {
        answer_cpuid(frame);
        return;
    }
    if (frame->error == SVM_EXIT_PAGE_NOT_VALIDATED) {
        if (!from_user(frame) && resume_guarded_access(frame))
            return;
        panic("attack: the host replaced a private page (not validated) at %lx, rip %lx",
              cr2_read(), frame->rip);
    }
    if (from_user(frame))
        leave_service(frame);
    panic("unexpected #VC, code %lx, rip %lx", frame->error, frame->rip);
}

static void prove(const struct trap_frame *frame)
{
    struct trap_place place = {
        .stack_top = segments_stack_top(stack_of(trap_vector(frame))),
        .entry_start = (uint64_t)trap_stubs,
        .entry_end = (uint64_t)trap_stubs_end,
        .kernel_selector = KERNEL_CODE,
        .user_selector = USER_CODE_RING3,
    };
    const char *mistake = trap_frame_mistake(frame, &place);

    if (mistake)
        panic("attack: the host injected exception %u %s", trap_vector(frame), mistake);
}

void trap_nested(const struct trap_frame *frame)
{
    panic("attack: the host injected exception %u while another was handled", trap_vector(frame));
}

void trap_handle(struct trap_frame *frame)
{
    unsigned vector = trap_vector(frame);

    prove(frame);
    if (trap_is_event(vector))
        return;
    if (vector == TRAP_VC) {
        handle_vc(frame);
        return;
    }
    if (from_user(frame))
        leave_service(frame);
    if ((vector == TRAP_PF || vector == TRAP_UD || vector == TRAP_GP) &&
        resume_guarded_access(frame))
        return;
    panic("exception %u, error %lx, rip %lx, address %lx", vector, frame->error, frame->rip,
          cr2_read());
}

void traps_load(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = {sizeof(idt) - 1, (uint64_t)idt};

    segments_init();
    __asm__ volatile("lidt %0" : : "m"(pointer));
}

void traps_init(void)
{
    for (unsigned vector = 0; vector < TRAP_VECTORS; vector++) {
        uint64_t stub = (uint64_t)(trap_stubs + vector * STUB_SIZE);

        idt[vector] = (struct gate){
            .offset_0 = (uint16_t)stub,
            .selector = KERNEL_CODE,
            .stack = (uint8_t)stack_of(vector),
            .type = GATE_TYPE,
            .offset_16 = (uint16_t)(stub >> 16),
            .offset_32 = (uint32_t)(stub >> 32),
        };
    }
    traps_load();
}
