/* SPDX-License-Identifier: MIT */
/* Exception entries: all lead to trap_handle(frame), which may change where the frame returns to. */
#include "tests/emulator/runtime/segments.h"

#define VECTORS     32
#define STUB_SIZE   16

.macro VECTOR number, has_error
    .balign STUB_SIZE
    .if \has_error == 0
    pushq $0
    .endif
    pushq $\number
    jmp trap_common
.endm

    .text
    .globl trap_stubs
    .balign STUB_SIZE
trap_stubs:
    .set i, 0
    .rept VECTORS
    .if (i == 8) || (i >= 10 && i <= 14) || (i == 17) || (i == 21) || (i == 29) || (i == 30)
    VECTOR i, 1
    .else
    VECTOR i, 0
    .endif
    .set i, i + 1
    .endr

trap_common:
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rbx
    pushq %rbp
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, %rdi
    cld
    call trap_handle
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rbp
    popq %rbx
    popq %rdx
    popq %rcx
    popq %rax
    addq $16, %rsp
    iretq

/*
 * void user_call(void (*function)(void)): goes on at CPL 3 with the same stack (all memory is the
 * user's too); INT3 there makes trap_handle() return to CPL 0.
 */
    .globl user_call
user_call:
    subq $8, %rsp
    movq %rsp, %rax
    pushq $SELECTOR_USER_DATA
    pushq %rax
    pushfq
    pushq $SELECTOR_USER_CODE
    pushq $1f
    iretq
1:  call *%rdi
    int3
    addq $8, %rsp
    ret

    .section .note.GNU-stack, "", @progbits
