/* SPDX-License-Identifier: MIT */
/*
 * One stub of 16 bytes for each vector: leaves a struct trap_frame and calls trap_handle().
 *
 * Whether an error code was pushed is not inferred from the vector: the CPU aligns the stack to 16
 * bytes before it pushes five words or six, so the stack pointer tells.
 */
#define STUB_SIZE      16
#define TRAP_HAS_ERROR 0x100 /* also in frame.h */
#define RFLAGS_AC      0x40000
#define CPU_AREA_SIZE  0x20000 /* also in cpu_area.h */
#define TRAP_ACTIVE    0x18    /* struct cpu_local, at the start of the area */

    .text
    .balign STUB_SIZE
    .globl trap_stubs, trap_stubs_end
trap_stubs:
    .set vector, 0
    .rept 256
    .balign STUB_SIZE
    pushq $vector
    jmp trap_common
    .set vector, vector + 1
    .endr

trap_common:
    testb $8, %spl
    jnz 1f
    pushq (%rsp)
    movq $0, 8(%rsp)
    jmp 2f
1:  orq $TRAP_HAS_ERROR, (%rsp)
    /* Ring 3 may have set AC, which would suspend SMAP; an exception leaves it as it is. */
2:  pushfq
    andq $~RFLAGS_AC, (%rsp)
    popfq
    cld
    pushq %rax
    pushq %rbx
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %rbp
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, %rdi
    movq %rsp, %rbx
    andq $-CPU_AREA_SIZE, %rbx
    movb $1, %al
    xchgb %al, TRAP_ACTIVE(%rbx)
    testb %al, %al
    jnz 3f
    call trap_handle
    movb $0, TRAP_ACTIVE(%rbx)
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rbp
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rbx
    popq %rax
    addq $16, %rsp
    iretq
3:  call trap_nested
    ud2
trap_stubs_end:

    .section .note.GNU-stack, "", @progbits
