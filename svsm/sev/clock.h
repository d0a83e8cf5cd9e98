/* SPDX-License-Identifier: MIT */
/*
 * Time since start, from the TSC. The host controls both the TSC and the timer that it is measured
 * against, so time serves liveness (timeouts, log lines) and never security.
 */
#ifndef SNPVTPM_SVSM_SEV_CLOCK_H
#define SNPVTPM_SVSM_SEV_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "svsm/sev/ghcb.h"

#define NANOSECONDS 1000000000ull

struct clock {
    uint64_t hz; /* of the TSC */
    uint64_t start;
};

/* Measures the TSC against the PIT; false when that does not work, and a rate is assumed. */
MUST_CHECK bool clock_init(struct clock *clock, struct ghcb_link *link);

/* Nanoseconds since clock_init(). */
uint64_t clock_now(const struct clock *clock);

#endif
