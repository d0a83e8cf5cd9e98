/* SPDX-License-Identifier: MIT */
#include "svsm/arch/segments.h"

#include "lib/freestanding/string.h"
#include "lib/snp/vmsa.h"
#include "svsm/arch/cpu.h"
#include "svsm/arch/cpu_area.h"
#include "svsm/arch/paging.h"

/* Attributes of segments in a save area; reset values of the x87 unit. */
#define CODE_64       0xA9B
#define DATA          0xC93
#define LDT           0x82
#define BUSY_TSS      0x8B
#define XCR0_RESET    1
#define X87_FCW_RESET 0x40
#define X87_FTW_RESET 0x5555

struct tss {
    uint32_t reserved_0;
    uint64_t rsp[3];
    uint64_t reserved_1c;
    uint64_t ist[7];
    uint64_t reserved_5c;
    uint16_t reserved_64;
    uint16_t io_map;
} __attribute__((packed));

#define GDT_ENTRIES     7
#define TRAP_STACK_SIZE (2 * PAGE_SIZE)

struct guarded_stack {
    uint8_t guard[PAGE_SIZE];
    uint8_t stack[TRAP_STACK_SIZE];
};

struct cpu_area {
    struct cpu_local local;
    struct tss tss;
    uint64_t gdt[GDT_ENTRIES];
    uint8_t kernel_guard[PAGE_SIZE] __attribute__((aligned(4096)));
    uint8_t kernel_stack[8 * PAGE_SIZE];
    struct guarded_stack trap_stacks[TRAP_STACKS];
} __attribute__((aligned(CPU_AREA_SIZE)));

static_assert(sizeof(struct cpu_area) == CPU_AREA_SIZE, "entry.S, vectors.S");
static_assert(offsetof(struct cpu_area, kernel_guard) + 9 * PAGE_SIZE == CPU_KERNEL_STACK_TOP,
              "entry.S");

/* entry.S starts on the first one's kernel stack. */
struct cpu_area cpu_areas[CPUS_MAX];

static struct cpu_area *area(void)
{
    return (struct cpu_area *)((uint64_t)__builtin_frame_address(0) & ~(CPU_AREA_SIZE - 1ull));
}

struct cpu_local *cpu_local(void)
{
    return &area()->local;
}

struct cpu_local *cpu_local_of(unsigned index)
{
    return &cpu_areas[index].local;
}

static void describe_tss(struct cpu_area *own)
{
    uint64_t base = (uint64_t)&own->tss;
    uint64_t limit = sizeof(own->tss) - 1;

    own->gdt[TSS_SEGMENT / 8] =
        limit | (base & 0xFFFFFF) << 16 | 0x89ull << 40 | ((base >> 24) & 0xFF) << 56;
    own->gdt[TSS_SEGMENT / 8 + 1] = base >> 32;
}

void segments_init(void)
{
    static const uint64_t gdt[TSS_SEGMENT / 8] = {
        0,
        0x00AF9B000000FFFF, /* KERNEL_CODE */
        0x00CF93000000FFFF, /* KERNEL_DATA */
        0x00CFF3000000FFFF, /* USER_DATA */
        0x00AFFB000000FFFF, /* USER_CODE */
    };
    struct cpu_area *own = area();
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = {sizeof(own->gdt) - 1, (uint64_t)own->gdt};

    memcpy(own->gdt, gdt, sizeof(gdt));
    own->tss.io_map = sizeof(struct tss); /* no I/O from ring 3 */
    for (unsigned i = 0; i < TRAP_STACKS; i++)
        own->tss.ist[i] = (uint64_t)segments_stack_top((enum trap_stack)(i + 1));
    describe_tss(own);

    __asm__ volatile("lgdt %0\n\t"
                     "pushq %1\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "movl %2, %%eax\n\t"
                     "movl %%eax, %%ds\n\t"
                     "movl %%eax, %%es\n\t"
                     "movl %%eax, %%ss\n\t"
                     "ltr %w3"
                     :
                     : "m"(pointer), "i"(KERNEL_CODE), "i"(KERNEL_DATA), "r"(TSS_SEGMENT)
                     : "rax", "memory");
}

const void *segments_stack_top(enum trap_stack stack)
{
    return area()->trap_stacks[stack - 1].stack + TRAP_STACK_SIZE;
}

void segments_guards(void (*each)(const void *page))
{
    for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) {
        each(cpu_areas[cpu].kernel_guard);
        for (unsigned stack = 0; stack < TRAP_STACKS; stack++)
            each(cpu_areas[cpu].trap_stacks[stack].guard);
    }
}

/* A segment as the save area has it: flat, with the attributes of the GDT's entry. */
static struct vmsa_segment flat(uint16_t selector, uint16_t attributes)
{
    return (struct vmsa_segment){
        .selector = selector, .attributes = attributes, .limit = UINT32_MAX};
}

void cpu_start_state(struct vmsa *vmsa, unsigned index, void (*entry)(void *), void *argument)
{
    memset(vmsa, 0, sizeof(*vmsa));
    vmsa->cs = flat(KERNEL_CODE, CODE_64);
    vmsa->ds = vmsa->es = vmsa->ss = flat(KERNEL_DATA, DATA);
    vmsa->fs = vmsa->gs = flat(0, DATA);
    vmsa->ldtr.attributes = LDT;
    vmsa->tr.attributes = BUSY_TSS;
    vmsa->cr0 = cr0_read();
    vmsa->cr3 = paging_kernel_cr3();
    vmsa->cr4 = cr4_read();
    vmsa->efer = msr_read(MSR_EFER) | EFER_SVME;
    vmsa->xcr0 = XCR0_RESET;
    vmsa->g_pat = VMSA_G_PAT_RESET;
    vmsa->dr6 = VMSA_DR6_RESET;
    vmsa->dr7 = VMSA_DR7_RESET;
    vmsa->rflags = VMSA_RFLAGS_RESET;
    vmsa->mxcsr = VMSA_MXCSR_RESET;
    vmsa->x87_fcw = X87_FCW_RESET;
    vmsa->x87_ftw = X87_FTW_RESET;
    vmsa->sev_features = msr_read(MSR_SEV_STATUS) >> SEV_STATUS_FEATURES_SHIFT;
    vmsa->rip = (uint64_t)entry;
    vmsa->rdi = (uint64_t)argument;
    /* As behind a call: the System V ABI has the stack pointer off by eight. */
    vmsa->rsp = (uint64_t)&cpu_areas[index] + CPU_KERNEL_STACK_TOP - sizeof(uint64_t);
}
