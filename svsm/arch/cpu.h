/* SPDX-License-Identifier: MIT */
/* CPU instructions that C has no expression for. */
#ifndef SNPVTPM_SVSM_ARCH_CPU_H
#define SNPVTPM_SVSM_ARCH_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/reader.h" /* MUST_CHECK */

#define MSR_EFER           0xC0000080u
#define MSR_STAR           0xC0000081u
#define MSR_LSTAR          0xC0000082u
#define MSR_SFMASK         0xC0000084u
#define MSR_FS_BASE        0xC0000100u
#define MSR_GS_BASE        0xC0000101u
#define MSR_KERNEL_GS_BASE 0xC0000102u

#define CR0_MP         (1ull << 1)
#define CR0_EM         (1ull << 2)
#define CR0_TS         (1ull << 3)
#define CR4_OSFXSR     (1ull << 9)
#define CR4_OSXMMEXCPT (1ull << 10)
#define CR4_UMIP       (1ull << 11)
#define CR4_OSXSAVE    (1ull << 18)
#define CR4_SMEP       (1ull << 20)
#define CR4_SMAP       (1ull << 21)

uint64_t msr_read(uint32_t msr);
void msr_write(uint32_t msr, uint64_t value);

/* Exits to the host with this in the GHCB MSR, which says what for; returns what the host left
 * there. Nothing comes between the three instructions: the emulated platform then serves them in
 * one exit of its own. */
uint64_t vmgexit(uint64_t request);

uint64_t tsc_read(void);
void cpu_pause(void);

uint64_t cr0_read(void);
void cr0_write(uint64_t value);
uint64_t cr2_read(void);
uint64_t cr3_read(void);
void cr3_write(uint64_t value);
uint64_t cr4_read(void);
void cr4_write(uint64_t value);
void xcr0_write(uint64_t value);

/* All components that XCR0 enables; FXSAVE where there is no XSAVE. Areas are aligned to 64 bytes.
 */
void xsave(void *area);
void xrstor(const void *area);
void fxsave(void *area);
void fxrstor(const void *area);

/* False when the generator has nothing now. */
MUST_CHECK bool rdrand(uint64_t *value);

/* Stops the CPU for good. */
_Noreturn void cpu_halt_forever(void);

#endif
