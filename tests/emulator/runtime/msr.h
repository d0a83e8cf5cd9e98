/* SPDX-License-Identifier: MIT */
/* RDMSR and WRMSR that may trap: see ATTEMPT(). */
#ifndef SNPVTPM_TESTS_EMULATOR_RUNTIME_MSR_H
#define SNPVTPM_TESTS_EMULATOR_RUNTIME_MSR_H

#include <stdint.h>

#include "tests/emulator/runtime/trap.h"

static inline uint64_t try_rdmsr(uint32_t msr)
{
    uint32_t low = 0, high = 0;

    ATTEMPT("rdmsr", : "+a"(low), "+d"(high) : "c"(msr));
    return low | (uint64_t)high << 32;
}

static inline void try_wrmsr(uint32_t msr, uint64_t value)
{
    ATTEMPT("wrmsr", : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

#endif
