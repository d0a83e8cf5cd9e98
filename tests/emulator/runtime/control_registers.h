/* SPDX-License-Identifier: MIT */
/* The control registers. Writing one serializes the CPU; attempts that may fault are made with
 * trap.h. */
#ifndef SNPVTPM_TESTS_EMULATOR_RUNTIME_CONTROL_REGISTERS_H
#define SNPVTPM_TESTS_EMULATOR_RUNTIME_CONTROL_REGISTERS_H

#include <stdint.h>

#define CONTROL_REGISTER_READ(number)                                                              \
    static inline uint64_t read_cr##number(void)                                                   \
    {                                                                                              \
        uint64_t value;                                                                            \
                                                                                                   \
        __asm__ volatile("movq %%cr" #number ", %0" : "=r"(value));                                \
        return value;                                                                              \
    }

#define CONTROL_REGISTER_WRITE(number)                                                             \
    static inline void write_cr##number(uint64_t value)                                            \
    {                                                                                              \
        __asm__ volatile("movq %0, %%cr" #number : : "r"(value) : "memory");                       \
    }

CONTROL_REGISTER_READ(0)
CONTROL_REGISTER_READ(2)
CONTROL_REGISTER_READ(3)
CONTROL_REGISTER_READ(4)
CONTROL_REGISTER_WRITE(0)
CONTROL_REGISTER_WRITE(3)
CONTROL_REGISTER_WRITE(4)

#endif
