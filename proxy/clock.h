/* SPDX-License-Identifier: MIT */
/* The monotonic clock, by which all waiting is measured. */
#ifndef SNPVTPM_PROXY_CLOCK_H
#define SNPVTPM_PROXY_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_S  1000000000ll
#define NS_PER_MS 1000000ll

static inline int64_t clock_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static inline int64_t clock_now_ms(void)
{
    return clock_now_ns() / NS_PER_MS;
}

/* Milliseconds until deadline, 0 when it is over, in a form for poll(). */
static inline int clock_left_ms(int64_t deadline_ms)
{
    int64_t left = deadline_ms - clock_now_ms();

    return left <= 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

#endif
