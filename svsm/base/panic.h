/* SPDX-License-Identifier: MIT */
/*
 * The end: says why on the console, wipes the keys, and asks the host to end the VM. Every layer
 * may call it; trap/panic.c, above all of them, does it.
 */
#ifndef SNPVTPM_SVSM_BASE_PANIC_H
#define SNPVTPM_SVSM_BASE_PANIC_H

#include <stdbool.h>

/* Something that must not be, an attack, or a VM that must not start. */
void panic(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Whether another vCPU does that; then this one serves nobody any more. */
bool panicking(void);

/* For what cannot happen; never for anything that comes from outside. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            panic("internal error: %s", #condition);                                               \
    } while (0)

#endif
