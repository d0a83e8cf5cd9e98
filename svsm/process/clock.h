/* SPDX-License-Identifier: MIT */
/*
 * Time since start, from the TSC. The host controls both the TSC and the timer that it is measured
 * against, so time serves liveness (timeouts, log lines) and never security.
 */
#ifndef SVSM_PROCESS_CLOCK_H
#define SVSM_PROCESS_CLOCK_H

#include <stdint.h>

#define NANOSECONDS 1000000000ull

/* Measures the TSC against the PIT. */
void clock_init(void);

/* Nanoseconds since clock_init(). */
uint64_t clock_now(void);

#endif
