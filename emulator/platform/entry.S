/* SPDX-License-Identifier: MIT */
/*
 * Start of the hypervisor: from 32-bit protected mode (reset.S) to long mode, that of the other
 * processors from real mode, and the host's exception entry.
 */
#define VIRT_BASE 0xffffffff80000000
#define LOAD_PA   0x1000000
#define PHYS(sym) ((sym) - VIRT_BASE + LOAD_PA)

#define PTE_PRESENT_WRITE 3
#define PTE_LARGE         0x80
#define CR4_PAE           (1 << 5)
#define CR4_OSFXSR        (1 << 9)
#define CR4_OSXMMEXCPT    (1 << 10)
#define CR4_OSXSAVE       (1 << 18)
#define MSR_EFER          0xC0000080
#define EFER_LME          (1 << 8)
#define EFER_NXE          (1 << 11)
#define EFER_SVME         (1 << 12)
/* WP as guests have it: QEMU drops all translations when it changes */
#define CR0_PE_MP_WP_PG   0x80010003
#define CR0_EM            (1 << 2)

#define STACK_SIZE 0x8000 /* as in cpus.c */
#define STACKS     8
#define AP_PAGE    0x8000 /* where a SIPI can point */
#define AP(sym)    (AP_PAGE + (sym) - ap_trampoline)

/* With CR3 loaded. */
.macro ENTER_LONG_MODE
    mov %cr4, %eax
    or $(CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE), %eax
    mov %eax, %cr4
    mov $MSR_EFER, %ecx
    rdmsr
    or $(EFER_LME | EFER_NXE | EFER_SVME), %eax
    wrmsr
    mov %cr0, %eax
    and $~CR0_EM, %eax
    or $CR0_PE_MP_WP_PG, %eax
    mov %eax, %cr0
.endm

.macro LOAD_DATA_SEGMENTS
    mov $16, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
.endm

.section .text.boot, "ax", @progbits
.code32
.globl start32
start32:
    cli
    mov $PHYS(boot_stack_top), %esp

    /* host_pml4[0] and [256]: physical memory one to one; [511]: the image, at LOAD_PA. */
    mov $PHYS(host_pml4), %edi
    mov $PHYS(host_pdpt_direct) + PTE_PRESENT_WRITE, %eax
    mov %eax, (%edi)
    mov %eax, 256 * 8(%edi)
    movl $PHYS(host_pdpt_image) + PTE_PRESENT_WRITE, 511 * 8(%edi)
    movl $PHYS(host_pd_image) + PTE_PRESENT_WRITE, PHYS(host_pdpt_image) + 510 * 8

    mov $PHYS(host_pdpt_direct), %edi
    mov $(PTE_PRESENT_WRITE | PTE_LARGE), %eax
    xor %edx, %edx
    mov $512, %ecx
1:  mov %eax, (%edi)
    mov %edx, 4(%edi)
    add $0x40000000, %eax
    adc $0, %edx
    add $8, %edi
    loop 1b

    mov $PHYS(host_pd_image), %edi
    mov $(LOAD_PA + (PTE_PRESENT_WRITE | PTE_LARGE)), %eax
    mov $64, %ecx
2:  mov %eax, (%edi)
    add $0x200000, %eax
    add $8, %edi
    loop 2b

    mov $PHYS(host_pml4), %eax
    mov %eax, %cr3
    ENTER_LONG_MODE
    lgdtl PHYS(boot_gdtr)
    ljmp $8, $PHYS(start64_low)

.code64
start64_low:
    movabs $start64, %rax
    jmp *%rax
start64:
    LOAD_DATA_SEGMENTS
    mov $boot_stack_top, %rsp
    lgdt host_gdtr(%rip)
    xor %ebp, %ebp
    call hypervisor_main
3:  hlt
    jmp 3b

/* An AP, from its trampoline, with the stack that host_cpus_start() gave it. */
ap_start64:
    LOAD_DATA_SEGMENTS
    mov ap_stack_top(%rip), %rsp
    lgdt host_gdtr(%rip)
    push $8
    lea 4f(%rip), %rax
    push %rax
    lretq
4:  xor %ebp, %ebp
    call host_ap_entered
5:  hlt
    jmp 5b

/* What host_cpus_start() copies to AP_PAGE: to long mode, then to the image. */
.section .rodata
.globl ap_page, ap_trampoline, ap_trampoline_end, ap_root
.set ap_page, AP_PAGE
.code16
ap_trampoline:
    cli
    lgdtl %cs:(ap_gdtr - ap_trampoline)
    mov %cr0, %eax
    or $1, %eax
    mov %eax, %cr0
    ljmpl $8, $AP(ap_start32)
.code32
ap_start32:
    LOAD_DATA_SEGMENTS
    mov AP(ap_root), %eax
    mov %eax, %cr3
    ENTER_LONG_MODE
    ljmp $24, $AP(ap_start64_low)
.code64
ap_start64_low:
    movabs $ap_start64, %rax
    jmp *%rax
.balign 8
ap_gdt:
    .quad 0
    .quad 0x00cf9a000000ffff
    .quad 0x00cf92000000ffff
    .quad 0x00af9a000000ffff
ap_gdtr:
    .word 31
    .long AP(ap_gdt)
ap_root:
    .long 0
ap_trampoline_end:

/* void relocate_image(from direct-map address rdi, to rsi, bytes rdx, new cr3 rcx): copies the
 * image, this stack included, and goes on in the copy. */
.text
.globl relocate_image
relocate_image:
    mov %rcx, %rax
    mov %rdx, %rcx
    xchg %rdi, %rsi
    rep movsb
    mov %rax, %cr3
    ret

/* Exceptions of the host itself: all go to host_exception(frame). */
.macro EXCEPTION vector has_error
    .balign 16
    .if \has_error == 0
    push $0
    .endif
    push $\vector
    jmp exception_common
.endm

.balign 16
.globl exception_stubs
exception_stubs:
    .set i, 0
    .rept 32
    .if (i == 8) || (i >= 10 && i <= 14) || (i == 17) || (i == 21) || (i == 29) || (i == 30)
    EXCEPTION i 1
    .else
    EXCEPTION i 0
    .endif
    .set i, i + 1
    .endr

exception_common:
    push %rax
    push %rcx
    push %rdx
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %r11
    mov %rsp, %rdi
    cld
    call host_exception
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rdx
    pop %rcx
    pop %rax
    add $16, %rsp
    iretq

.data
.balign 8
host_gdt:
    .quad 0
    .quad 0x00af9a000000ffff
    .quad 0x00cf92000000ffff
boot_gdtr:
    .word 23
    .long PHYS(host_gdt)
    .long 0
.balign 8
.word 0, 0, 0
host_gdtr:
    .word 23
    .quad host_gdt

.globl ap_stack_top
ap_stack_top:
    .quad 0

.bss
.balign 4096
.globl host_pml4, host_pdpt_image, host_pd_image
host_pml4:
    .skip 4096
host_pdpt_direct:
    .skip 4096
.globl host_pdpt_direct
host_pdpt_image:
    .skip 4096
host_pd_image:
    .skip 4096
/* One for each processor: its place tells which one it is (host_cpu_index). */
.globl host_stacks
host_stacks:
    .skip STACK_SIZE
boot_stack_top:
    .skip STACK_SIZE * (STACKS - 1)

.section .note.GNU-stack, "", @progbits
