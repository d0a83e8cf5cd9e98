/* SPDX-License-Identifier: MIT */
/* See exchange.h. */
    .text
    .globl exchange_general
exchange_general:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushq %rdi
    movq 0(%rdi), %rax
    movq 8(%rdi), %rcx
    movq 16(%rdi), %rdx
    movq 24(%rdi), %rbx
    movq 32(%rdi), %rbp
    movq 40(%rdi), %rsi
    movq 56(%rdi), %r8
    movq 64(%rdi), %r9
    movq 72(%rdi), %r10
    movq 80(%rdi), %r11
    movq 88(%rdi), %r12
    movq 96(%rdi), %r13
    movq 104(%rdi), %r14
    movq 112(%rdi), %r15
    movq 48(%rdi), %rdi
    rep; vmmcall
    pushq %rdi
    movq 8(%rsp), %rdi
    movq %rax, 0(%rdi)
    movq %rcx, 8(%rdi)
    movq %rdx, 16(%rdi)
    movq %rbx, 24(%rdi)
    movq %rbp, 32(%rdi)
    movq %rsi, 40(%rdi)
    popq 48(%rdi)
    movq %r8, 56(%rdi)
    movq %r9, 64(%rdi)
    movq %r10, 72(%rdi)
    movq %r11, 80(%rdi)
    movq %r12, 88(%rdi)
    movq %r13, 96(%rdi)
    movq %r14, 104(%rdi)
    movq %r15, 112(%rdi)
    popq %rdi
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

.macro EACH_VECTOR_REGISTER instruction, name, size, store
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    .if \store
    \instruction %\name\n, \size * \n(%rdi)
    .else
    \instruction \size * \n(%rdi), %\name\n
    .endif
    .endr
.endm

    .globl exchange_xmm
exchange_xmm:
    EACH_VECTOR_REGISTER movups, xmm, 16, 0
    rep; vmmcall
    EACH_VECTOR_REGISTER movups, xmm, 16, 1
    ret

    .globl exchange_ymm
exchange_ymm:
    EACH_VECTOR_REGISTER vmovups, ymm, 32, 0
    rep; vmmcall
    EACH_VECTOR_REGISTER vmovups, ymm, 32, 1
    ret

    .section .note.GNU-stack, "", @progbits
