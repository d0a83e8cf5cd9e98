/* SPDX-License-Identifier: MIT */
/*
 * void vmrun(uint64_t vmcb_pa, struct vmsa *save): runs the guest until its next exit. RAX and RSP
 * are the CPU's to load and save (from the VMCB); the other general registers are done here, at
 * their VMSA offsets.
 */
#define RCX 0x308
#define RDX 0x310
#define RBX 0x318
#define RBP 0x328
#define RSI 0x330
#define RDI 0x338
#define R8  0x340
#define R9  0x348
#define R10 0x350
#define R11 0x358
#define R12 0x360
#define R13 0x368
#define R14 0x370
#define R15 0x378

.text
.globl vmrun
vmrun:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    push %rsi
    push %rdi
    mov %rdi, %rax
    mov RCX(%rsi), %rcx
    mov RDX(%rsi), %rdx
    mov RBX(%rsi), %rbx
    mov RBP(%rsi), %rbp
    mov RDI(%rsi), %rdi
    mov R8(%rsi), %r8
    mov R9(%rsi), %r9
    mov R10(%rsi), %r10
    mov R11(%rsi), %r11
    mov R12(%rsi), %r12
    mov R13(%rsi), %r13
    mov R14(%rsi), %r14
    mov R15(%rsi), %r15
    mov RSI(%rsi), %rsi
    vmload %rax
    vmrun %rax
    mov (%rsp), %rax
    vmsave %rax
    mov 8(%rsp), %rax
    mov %rcx, RCX(%rax)
    mov %rdx, RDX(%rax)
    mov %rbx, RBX(%rax)
    mov %rbp, RBP(%rax)
    mov %rsi, RSI(%rax)
    mov %rdi, RDI(%rax)
    mov %r8, R8(%rax)
    mov %r9, R9(%rax)
    mov %r10, R10(%rax)
    mov %r11, R11(%rax)
    mov %r12, R12(%rax)
    mov %r13, R13(%rax)
    mov %r14, R14(%rax)
    mov %r15, R15(%rax)
    pop %rdi
    pop %rsi
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    cld
    ret

/* What the guest of vcpu_run_idle() executes. */
.globl halt_for_ever
halt_for_ever:
    hlt
    jmp halt_for_ever

.section .note.GNU-stack, "", @progbits
