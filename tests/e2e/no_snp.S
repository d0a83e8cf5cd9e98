/* SPDX-License-Identifier: MIT
 *
 * A program of EFI that does what a kernel without support of SEV-SNP does: it executes CPUID under an interrupt table of its
 * own, which has no handler for the #VC that follows. Its headers are written out, so that as and objcopy -O binary
 * make it (Microsoft PE and COFF Specification, 3 and 4). */
        .code64

#define SECTION_ALIGNMENT 0x1000
#define FILE_ALIGNMENT 0x200

        .ascii "MZ"
        .fill 58, 1, 0
        .long 0x40                      /* e_lfanew: what follows */
        .ascii "PE\0\0"
        .short 0x8664                   /* Machine: x86-64 */
        .short 1                        /* NumberOfSections */
        .long 0, 0, 0                   /* no time, no symbols */
        .short sections - optional      /* SizeOfOptionalHeader */
        .short 0x0206                   /* Characteristics: executable, no line numbers, no debug information */
optional:
        .short 0x020b                   /* Magic: PE32+ */
        .byte 0, 0
        .long FILE_ALIGNMENT, 0, 0      /* sizes of code and data */
        .long SECTION_ALIGNMENT         /* AddressOfEntryPoint */
        .long SECTION_ALIGNMENT         /* BaseOfCode */
        .quad 0                         /* ImageBase */
        .long SECTION_ALIGNMENT, FILE_ALIGNMENT
        .short 0, 0, 0, 0, 0, 0         /* versions */
        .long 0
        .long 2 * SECTION_ALIGNMENT     /* SizeOfImage */
        .long FILE_ALIGNMENT            /* SizeOfHeaders */
        .long 0                         /* CheckSum */
        .short 10                       /* Subsystem: EFI application */
        .short 0
        .quad 0, 0, 0, 0                /* stack and heap */
        .long 0
        .long 6                         /* NumberOfRvaAndSizes */
        .fill 6, 8, 0
sections:
        .ascii ".text\0\0\0"
        .long SECTION_ALIGNMENT         /* VirtualSize */
        .long SECTION_ALIGNMENT         /* VirtualAddress */
        .long FILE_ALIGNMENT            /* SizeOfRawData */
        .long FILE_ALIGNMENT            /* PointerToRawData */
        .long 0, 0, 0
        .long 0x60000020                /* code, executable, readable */

        .org FILE_ALIGNMENT
        cli
        lidt no_table(%rip)
        cpuid
1:      hlt
        jmp 1b
no_table:
        .fill 10, 1, 0
        .org 2 * FILE_ALIGNMENT
