/* SPDX-License-Identifier: MIT */
#include "tests/emulator/runtime/trap.h"

#include "tests/emulator/runtime/control_registers.h"
#include "tests/emulator/runtime/segments.h"
#include "tests/emulator/runtime/tap.h"

#define VECTORS        32
#define STUB_SIZE      16
#define GATE_INTERRUPT 0x8E00u
#define GATE_DPL3      0x6000u
#define GATE_IST1      1u
#define TSS_AVAILABLE  0x89ull
#define TSS_BUSY       0x8Bu

struct gate {
    uint16_t offset_low, selector, flags, offset_middle;
    uint32_t offset_high, reserved;
};

struct tss {
    uint32_t reserved_0;
    uint64_t rsp[3];
    uint64_t reserved_1c;
    uint64_t ist[7];
    uint8_t reserved_5c[10];
    uint16_t io_map;
} __attribute__((packed));

struct table_register {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

struct trap PER_CPU last_trap;
unsigned PER_CPU nmi_count;
unsigned PER_CPU ipi_count;
uint64_t PER_CPU attempt_at;
uint64_t PER_CPU attempt_resume;
uint64_t PER_CPU attempt_stack;

static struct gate idt[VECTORS];
static struct tss tss;
static uint8_t own_stack[4096] __attribute__((aligned(16)));
static uint8_t user_stack[4096] __attribute__((aligned(16)));

extern uint64_t gdt[], gdt_end[];
extern const uint8_t trap_stubs[];
void trap_handle(struct trap_frame *frame);

static uint64_t read_rflags(void)
{
    uint64_t rflags;

    __asm__ volatile("pushfq\n\tpopq %0" : "=r"(rflags));
    return rflags;
}

void trap_handle(struct trap_frame *frame)
{
    uint64_t cr2;

    if (frame->vector == VECTOR_NMI) {
        nmi_count++;
        return;
    }
    if (frame->vector == VECTOR_IPI && !attempt_resume) {
        ipi_count++;
        return;
    }
    if (frame->vector == VECTOR_BP && frame->cs == SELECTOR_USER_CODE) {
        /* The end of user_call(): on at CPL 0. */
        frame->cs = SELECTOR_CODE;
        frame->ss = SELECTOR_DATA;
        return;
    }
    cr2 = read_cr2();
    if (!attempt_resume)
        bail_out("exception %lu error 0x%lx at 0x%lx, cr2 0x%lx", frame->vector, frame->error,
                 frame->rip, cr2);
    last_trap = (struct trap){.vector = frame->vector,
                              .error = frame->error,
                              .cr2 = cr2,
                              .at_attempt = frame->rip == attempt_at,
                              .frame = *frame,
                              .frame_end = (uint64_t)(frame + 1),
                              .rflags_then = read_rflags()};
    frame->rip = attempt_resume;
    frame->rsp = attempt_stack;
}

static void set_gate(unsigned vector, uint16_t flags)
{
    uint64_t entry = (uint64_t)trap_stubs + (uint64_t)vector * STUB_SIZE;

    idt[vector] = (struct gate){.offset_low = (uint16_t)entry,
                                .selector = SELECTOR_CODE,
                                .flags = flags,
                                .offset_middle = (uint16_t)(entry >> 16),
                                .offset_high = (uint32_t)(entry >> 32)};
}

static void load_idt(const void *table, size_t size)
{
    struct table_register idtr = {(uint16_t)(size - 1), (uint64_t)table};

    __asm__ volatile("lidt %0" : : "m"(idtr));
}

static void load_tss(void)
{
    uint64_t base = (uint64_t)&tss;
    uint64_t *descriptor = &gdt[SELECTOR_TSS / 8];

    tss.rsp[0] = trap_user_stack_top();
    tss.ist[0] = trap_own_stack_top();
    tss.io_map = sizeof(tss);
    descriptor[0] = (sizeof(tss) - 1) | (base & 0xFFFFFF) << 16 | TSS_AVAILABLE << 40 |
                    (base >> 24 & 0xFF) << 56;
    descriptor[1] = base >> 32;
    __asm__ volatile("ltr %w0" : : "r"(SELECTOR_TSS));
}

void traps_init(void)
{
    for (unsigned vector = 0; vector < VECTORS; vector++)
        set_gate(vector, GATE_INTERRUPT);
    set_gate(VECTOR_BP, GATE_INTERRUPT | GATE_DPL3);
    load_idt(idt, sizeof(idt));
    load_tss();
}

void traps_describe(struct vmsa *vmsa)
{
    vmsa->gdtr.base = (uint64_t)gdt;
    vmsa->gdtr.limit = (uint32_t)((uint64_t)gdt_end - (uint64_t)gdt - 1);
    vmsa->idtr.base = (uint64_t)idt;
    vmsa->idtr.limit = sizeof(idt) - 1;
    vmsa->tr = (struct vmsa_segment){.selector = SELECTOR_TSS,
                                     .attributes = TSS_BUSY,
                                     .limit = sizeof(tss) - 1,
                                     .base = (uint64_t)&tss};
}

void trap_use_own_stack(unsigned vector, bool own)
{
    set_gate(vector, GATE_INTERRUPT | (own ? GATE_IST1 : 0));
}

uint64_t trap_own_stack_top(void)
{
    return (uint64_t)own_stack + sizeof(own_stack);
}

uint64_t trap_user_stack_top(void)
{
    return (uint64_t)user_stack + sizeof(user_stack);
}

void traps_forget(void)
{
    load_idt(NULL, 1);
}
