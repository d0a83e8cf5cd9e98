/* SPDX-License-Identifier: MIT */
/*
 * The machine's only firmware: from the reset vector to the hypervisor, which QEMU has loaded to
 * LOAD_PA. Nothing else runs before it, so the guest finds every device as after a reset.
 */
#define LOAD_PA  0x1000000
#define ROM_BASE 0xffff0000

.section .text
.code16
start16:
    cli
    lgdtl %cs:(gdtr - start16)
    mov %cr0, %eax
    or $1, %eax
    mov %eax, %cr0
    ljmpl $8, $(start32 - start16 + ROM_BASE)

.code32
start32:
    mov $16, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov $LOAD_PA, %eax
    jmp *%eax

.balign 8
gdt:
    .quad 0
    .quad 0x00cf9a000000ffff
    .quad 0x00cf92000000ffff
gdtr:
    .word 23
    .long gdt - start16 + ROM_BASE

/* The last 16 bytes of a ROM of 64 KiB. */
.org 0xfff0
.code16
    jmp start16 + 0x10000 /* a 16-bit IP wraps around */
.org 0x10000

.section .note.GNU-stack, "", @progbits
