/* SPDX-License-Identifier: MIT */
/* Time that only goes forward, for limits. */
#ifndef SNPVTPM_KBS_SERVER_CLOCK_H
#define SNPVTPM_KBS_SERVER_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Microseconds since some moment before the program started. */
static inline uint64_t clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Milliseconds since then. */
static inline uint64_t clock_ms(void)
{
    return clock_us() / 1000;
}

#endif
