/* SPDX-License-Identifier: MIT */
/*
 * From the state in which an SVSM starts (32-bit protected mode, no paging, ESI = GPA of struct
 * boot_params) to guest_main(params) in long mode, with memory mapped twice, one to one: privately
 * at 0, shared at SHARED_VIEW.
 */
#include "tests/emulator/runtime/segments.h"

#define PARAMS_CPUID_GPA  0x20
#define CPUID_ENTRIES     0x10
#define CPUID_ENTRY_SIZE  0x30
#define CPUID_ENTRY_EBX   0x1C
#define LEAF_ENCRYPTION   0x8000001F
#define CBIT_MASK         0x3F

#define TABLE_FLAGS     0x07 /* present, writable, user */
#define GIGABYTE_FLAGS  0x87 /* the same, and large */
#define GIGABYTE        0x40000000
#define VIEW_GIGABYTES  4

#define CR4_PAE_SSE   0x620      /* PAE, OSFXSR, OSXMMEXCPT */
#define CR0_PG_WP     0x80010000
#define MSR_EFER      0xC0000080
#define EFER_LME_NXE  0x900

    .section .text.entry, "ax"
    .code32
    .globl entry32
entry32:
    cli
    cld
    movl $UNPAGED_WORD, unpaged_word

    /* The C-bit, as the mask of a table entry's upper half, in EDX. CPUID itself would be #VC. */
    movl PARAMS_CPUID_GPA(%esi), %ebx
    addl $CPUID_ENTRIES, %ebx
1:  cmpl $LEAF_ENCRYPTION, (%ebx)
    je 2f
    addl $CPUID_ENTRY_SIZE, %ebx
    jmp 1b
2:  movl CPUID_ENTRY_EBX(%ebx), %ecx
    andl $CBIT_MASK, %ecx
    subl $32, %ecx
    movl $1, %edx
    shll %cl, %edx

    movl $page_root, %edi
    movl $page_pdpt + TABLE_FLAGS, (%edi)
    movl %edx, 4(%edi)
    movl $page_pdpt, %edi
    movl $GIGABYTE_FLAGS, %eax
    movl $VIEW_GIGABYTES, %ecx
3:  movl %eax, (%edi)
    movl %edx, 4(%edi)
    movl %eax, 8 * VIEW_GIGABYTES(%edi)
    addl $8, %edi
    addl $GIGABYTE, %eax
    loop 3b

    movl %cr4, %eax
    orl $CR4_PAE_SSE, %eax
    movl %eax, %cr4
    movl $page_root, %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_LME_NXE, %eax
    wrmsr
    movl %cr0, %eax
    orl $CR0_PG_WP, %eax
    movl %eax, %cr0
    lgdt boot_gdtr
    ljmp $SELECTOR_CODE, $entry64

    .code64
entry64:
    movl $SELECTOR_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movq $stack_top, %rsp
    movl %esi, %edi
    xorl %ebp, %ebp
    call guest_main
    ud2

    .section .data
    .globl gdt, gdt_end
    .balign 8
gdt:
    .quad 0
    .quad 0x00AF9B000000FFFF /* SELECTOR_CODE: 64-bit */
    .quad 0x00CF93000000FFFF /* SELECTOR_DATA */
    .quad 0x00CFF3000000FFFF /* SELECTOR_USER_DATA */
    .quad 0x00AFFB000000FFFF /* SELECTOR_USER_CODE: 64-bit */
    .quad 0, 0               /* SELECTOR_TSS: traps_init() fills it in */
gdt_end:
boot_gdtr:
    .word gdt_end - gdt - 1
    .long gdt

    .globl unpaged_word
    .balign 8
unpaged_word:
    .quad 0

    .section .bss
    .globl page_root, page_pdpt
    .balign 4096
page_root:
    .skip 4096
page_pdpt:
    .skip 4096
    .skip 4 * 4096
stack_top:

    .section .note.GNU-stack, "", @progbits
