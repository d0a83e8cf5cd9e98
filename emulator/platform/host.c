/* SPDX-License-Identifier: MIT */
#include "emulator/platform/host.h"

/* QEMU's isa-debug-exit device. */
#define DEBUG_EXIT_PORT 0x404

_Noreturn void host_exit(enum host_exit why)
{
    out8(DEBUG_EXIT_PORT, (uint8_t)why);
    for (;;)
        __asm__ volatile("cli; hlt");
}

/* An instruction that may fault, and where to go on when it does. */
struct fixup {
    uint64_t at, resume;
};

extern const struct fixup fixup_table_start[], fixup_table_end[];

#define FIXUP(from, to)                                                                            \
    ".pushsection .fixup, \"a\"\n\t.balign 8\n\t.quad " from ", " to "\n\t.popsection\n\t"

bool host_rdmsr(uint32_t msr, uint64_t *value)
{
    uint32_t low = 0, high = 0;
    bool ok = true;

    __asm__ volatile("1: rdmsr\n\t"
                     "jmp 3f\n\t"
                     "2: movb $0, %2\n\t"
                     "3:\n\t" FIXUP("1b", "2b")
                     : "+a"(low), "+d"(high), "+r"(ok)
                     : "c"(msr)
                     : "memory");
    *value = low | (uint64_t)high << 32;
    return ok;
}

bool host_wrmsr(uint32_t msr, uint64_t value)
{
    bool ok = true;

    __asm__ volatile("1: wrmsr\n\t"
                     "jmp 3f\n\t"
                     "2: movb $0, %0\n\t"
                     "3:\n\t" FIXUP("1b", "2b")
                     : "+r"(ok)
                     : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
    return ok;
}

bool host_xsavec_traps(void)
{
    static uint8_t area[4096] __attribute__((aligned(64)));
    bool trapped = false;

    __asm__ volatile("1: xsavec (%1)\n\t"
                     "jmp 3f\n\t"
                     "2: movb $1, %0\n\t"
                     "3:\n\t" FIXUP("1b", "2b")
                     : "+r"(trapped)
                     : "r"(area), "a"(1), "d"(0)
                     : "memory");
    return trapped;
}

struct exception_frame {
    uint64_t r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

#define VECTOR_NMI 2

void host_hold_nmis(void)
{
    __asm__ volatile("clgi");
}

/* An NMI that comes before the HLT must end it, too: the fixup leads past it. */
void host_wait_nmi(void)
{
    __asm__ volatile("stgi\n\t"
                     "1: hlt\n\t"
                     "2: clgi\n\t" FIXUP("1b", "2b")
                     :
                     :
                     : "memory");
}

void host_exception(struct exception_frame *frame);

void host_exception(struct exception_frame *frame)
{
    uint64_t cr2;

    for (const struct fixup *f = fixup_table_start; f < fixup_table_end; f++) {
        if (f->at == frame->rip) {
            frame->rip = f->resume;
            return;
        }
    }
    if (frame->vector == VECTOR_NMI)
        return;
    __asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
    die(HOST_EXIT_INTERNAL, "hypervisor: exception %lu error %lx at %lx, cr2 %lx", frame->vector,
        frame->error, frame->rip, cr2);
}

struct idt_gate {
    uint16_t offset_low, selector, flags, offset_mid;
    uint32_t offset_high, reserved;
};

#define EXCEPTIONS         32
#define STUB_SIZE          16
#define GATE_INTERRUPT     0x8E00
#define HOST_CODE_SELECTOR 8

extern const uint8_t exception_stubs[];

void host_exceptions_init(void)
{
    static struct idt_gate idt[EXCEPTIONS];
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) idtr = {sizeof(idt) - 1, (uint64_t)idt};

    for (unsigned i = 0; i < EXCEPTIONS; i++) {
        uint64_t entry = (uint64_t)exception_stubs + (uint64_t)i * STUB_SIZE;

        idt[i] = (struct idt_gate){.offset_low = (uint16_t)entry,
                                   .selector = HOST_CODE_SELECTOR,
                                   .flags = GATE_INTERRUPT,
                                   .offset_mid = (uint16_t)(entry >> 16),
                                   .offset_high = (uint32_t)(entry >> 32)};
    }
    __asm__ volatile("lidt %0" : : "m"(idtr));
}
