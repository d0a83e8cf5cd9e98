/* SPDX-License-Identifier: MIT */
/*
 * VMGEXIT with known register contents: each function loads the registers from memory, hands the
 * CPU to the host, and stores what the registers hold when the caller runs again. The GHCB MSR has
 * been written before.
 */
#ifndef SNPVTPM_TESTS_EMULATOR_RUNTIME_EXCHANGE_H
#define SNPVTPM_TESTS_EMULATOR_RUNTIME_EXCHANGE_H

#include <stdint.h>

/* All but RSP: RAX RCX RDX RBX RBP RSI RDI R8 ... R15. */
enum { EXCHANGE_RAX, EXCHANGE_RCX, EXCHANGE_RDX, EXCHANGE_RBX, GENERAL_REGISTERS = 15 };
void exchange_general(uint64_t registers[GENERAL_REGISTERS]);

#define VECTOR_REGISTERS 16

/* XMM0 ... XMM15. */
void exchange_xmm(uint64_t registers[VECTOR_REGISTERS][2]);

/* YMM0 ... YMM15; CR4.OSXSAVE and XCR0 must allow it. */
void exchange_ymm(uint64_t registers[VECTOR_REGISTERS][4]);

#endif
