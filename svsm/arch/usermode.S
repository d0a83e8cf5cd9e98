/* SPDX-License-Identifier: MIT */
/* The passage between ring 0 and ring 3; offsets are those of struct user_registers. */
#define USER_DATA 0x1B /* with RPL 3 */
#define USER_CODE 0x23
/* Arithmetic flags and DF; bit 1 is always set. Interrupts stay off in ring 3. */
#define USER_FLAGS 0xCD5

/* struct cpu_local, at the start of the area in which every stack of a vCPU lies. */
#define CPU_AREA_SIZE 0x20000
#define KERNEL_SP     0x00
#define USER_SP       0x08
#define REGISTERS     0x10

    .text
    .globl usermode_run
usermode_run:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, KERNEL_SP(%rdi)
    movq %rsi, REGISTERS(%rdi)
    movq %rsi, %rdi

    movq 0x88(%rdi), %rax
    andl $USER_FLAGS, %eax
    orl $2, %eax
    pushq $USER_DATA
    pushq 0x38(%rdi)
    pushq %rax
    pushq $USER_CODE
    pushq 0x80(%rdi)

    movq 0x00(%rdi), %rax
    movq 0x08(%rdi), %rbx
    movq 0x10(%rdi), %rcx
    movq 0x18(%rdi), %rdx
    movq 0x20(%rdi), %rsi
    movq 0x30(%rdi), %rbp
    movq 0x40(%rdi), %r8
    movq 0x48(%rdi), %r9
    movq 0x50(%rdi), %r10
    movq 0x58(%rdi), %r11
    movq 0x60(%rdi), %r12
    movq 0x68(%rdi), %r13
    movq 0x70(%rdi), %r14
    movq 0x78(%rdi), %r15
    movq 0x28(%rdi), %rdi
    iretq

    /*
     * SYSCALL: RCX is the return address, R11 the flags, RSP still the service's. Nobody but these
     * few instructions looks at GS.
     */
    .globl usermode_syscall_entry
usermode_syscall_entry:
    swapgs
    movq %rsp, %gs:USER_SP
    movq %gs:KERNEL_SP, %rsp
    swapgs
    pushq %rdi
    movq %rsp, %rdi
    andq $-CPU_AREA_SIZE, %rdi
    movq REGISTERS(%rdi), %rdi
    movq %rax, 0x00(%rdi)
    movq %rbx, 0x08(%rdi)
    movq %rcx, 0x10(%rdi)
    movq %rdx, 0x18(%rdi)
    movq %rsi, 0x20(%rdi)
    movq %rbp, 0x30(%rdi)
    movq %r8, 0x40(%rdi)
    movq %r9, 0x48(%rdi)
    movq %r10, 0x50(%rdi)
    movq %r11, 0x58(%rdi)
    movq %r12, 0x60(%rdi)
    movq %r13, 0x68(%rdi)
    movq %r14, 0x70(%rdi)
    movq %r15, 0x78(%rdi)
    movq %rcx, 0x80(%rdi)
    movq %r11, 0x88(%rdi)
    popq %rax
    movq %rax, 0x28(%rdi)
    movq %rdi, %rdx
    movq %rsp, %rdi
    andq $-CPU_AREA_SIZE, %rdi
    movq USER_SP(%rdi), %rax
    movq %rax, 0x38(%rdx)
    xorl %esi, %esi /* USER_EXIT_SYSCALL */

    /* usermode_leave(local, reason): returns from usermode_run(), once: its stack is stale then. */
    .globl usermode_leave
usermode_leave:
    xorl %eax, %eax
    xchgq %rax, KERNEL_SP(%rdi)
    testq %rax, %rax
    jz usermode_not_running
    movq %rax, %rsp
    movl %esi, %eax
    cld
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

    .section .note.GNU-stack, "", @progbits
