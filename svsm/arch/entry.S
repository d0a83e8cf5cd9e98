/* SPDX-License-Identifier: MIT */
/*
 * The first instructions: 32-bit protected mode without paging, so every access is private. No
 * stack, no GDT in memory, no #VC handler: neither CPUID nor I/O may be executed here.
 *
 * ESI holds the GPA of struct boot_params. Builds page tables with the C-bit that the CPUID page
 * tells, enters long mode and calls kernel_main(params).
 */
#define KERNEL_VIRTUAL 0xFFFFFFFF80000000
#define KERNEL_GPA     0x08000000
#define PHYSICAL(x)    ((x) - KERNEL_VIRTUAL + KERNEL_GPA)

#define PARAMS_CPUID_GPA   0x20
#define CPUID_ENTRIES      0x10
#define CPUID_ENTRY_SIZE   0x30
#define CPUID_ENTRY_EBX    0x1C
#define CPUID_ENTRIES_MAX  64
#define LEAF_ENCRYPTION    0x8000001F

#define CPU_KERNEL_STACK_TOP 0xA000 /* in the first vCPU's area: cpu_area.h */

#define MSR_EFER 0xC0000080
#define MSR_GHCB 0xC0010130

#define TABLE_FLAGS 0x003 /* present, writable */
#define LARGE_FLAGS 0x083 /* present, writable, 2 MiB */

    .section .text.entry, "ax"
    .code32
    .globl entry32
entry32:
    cli
    cld
    movl %esi, %ebp

    /* Find the C-bit: its mask is in the upper half of an entry, kept in EDX. */
    movl PARAMS_CPUID_GPA(%ebp), %ebx
    movl (%ebx), %ecx
    cmpl $CPUID_ENTRIES_MAX, %ecx
    ja no_c_bit
    addl $CPUID_ENTRIES, %ebx
1:  testl %ecx, %ecx
    jz no_c_bit
    cmpl $LEAF_ENCRYPTION, (%ebx)
    je 2f
    addl $CPUID_ENTRY_SIZE, %ebx
    decl %ecx
    jmp 1b
2:  movl CPUID_ENTRY_EBX(%ebx), %ecx
    andl $0x3F, %ecx
    subl $32, %ecx
    jb no_c_bit
    movl $1, %edx
    shll %cl, %edx

    /* Low 4 GiB, both at 0 (for the switch) and at the direct map. */
    movl $PHYSICAL(page_low_directories), %edi
    movl $LARGE_FLAGS, %eax
3:  movl %eax, (%edi)
    movl %edx, 4(%edi)
    addl $8, %edi
    addl $0x200000, %eax
    jnc 3b

    movl $PHYSICAL(page_low_directories) + TABLE_FLAGS, %eax
    movl $PHYSICAL(page_direct_pdpt), %edi
    movl $4, %ecx
4:  movl %eax, (%edi)
    movl %edx, 4(%edi)
    addl $8, %edi
    addl $0x1000, %eax
    decl %ecx
    jnz 4b

    movl $PHYSICAL(page_root), %edi
    movl $PHYSICAL(page_direct_pdpt) + TABLE_FLAGS, %eax
    movl %eax, 0(%edi)
    movl %edx, 4(%edi)
    movl %eax, 256*8(%edi)
    movl %edx, 256*8+4(%edi)
    movl $PHYSICAL(page_kernel_pdpt) + TABLE_FLAGS, %eax
    movl %eax, 511*8(%edi)
    movl %edx, 511*8+4(%edi)

    /* The image, two large pages for now: paging_init() makes them 4 KiB ones with permissions. */
    movl $PHYSICAL(page_kernel_pdpt), %edi
    movl $PHYSICAL(page_kernel_directory) + TABLE_FLAGS, 510*8(%edi)
    movl %edx, 510*8+4(%edi)
    movl $PHYSICAL(page_kernel_directory), %edi
    movl $KERNEL_GPA + LARGE_FLAGS, 0(%edi)
    movl %edx, 4(%edi)
    movl $KERNEL_GPA + 0x200000 + LARGE_FLAGS, 8(%edi)
    movl %edx, 12(%edi)

    movl %cr4, %eax
    orl $0x20, %eax /* PAE */
    movl %eax, %cr4
    movl $PHYSICAL(page_root), %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $0x900, %eax /* LME, NXE */
    wrmsr
    movl %cr0, %eax
    orl $0x80010000, %eax /* PG, WP */
    movl %eax, %cr0
    lgdt PHYSICAL(boot_gdt_pointer)
    ljmp $8, $PHYSICAL(entry64)

no_c_bit:
    movl $MSR_GHCB, %ecx
    movl $0x100, %eax /* terminate, general */
    xorl %edx, %edx
    wrmsr
    rep; vmmcall
    hlt
    jmp no_c_bit

    .code64
entry64:
    movabsq $entry_high, %rax
    jmp *%rax
entry_high:
    movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    leaq cpu_areas + CPU_KERNEL_STACK_TOP(%rip), %rsp
    movl %ebp, %edi
    xorl %ebp, %ebp
    call kernel_main
    ud2

    .section .data
    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00AF9B000000FFFF /* 64-bit code */
    .quad 0x00CF93000000FFFF /* data */
boot_gdt_pointer:
    .word . - boot_gdt - 1
    .long PHYSICAL(boot_gdt)

    .section .note.GNU-stack, "", @progbits
