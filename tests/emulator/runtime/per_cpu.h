/* SPDX-License-Identifier: MIT */
/*
 * Variables that each processor has for itself: reached by GS, whose base is 0 on the first one and
 * leads the others to their copies (runtime/cpus.c).
 */
#ifndef SNPVTPM_TESTS_EMULATOR_RUNTIME_PER_CPU_H
#define SNPVTPM_TESTS_EMULATOR_RUNTIME_PER_CPU_H

#define PER_CPU __seg_gs __attribute__((section(".per_cpu")))

#endif
