/* SPDX-License-Identifier: MIT */
/* For programs that measure. */
#ifndef SNPVTPM_TESTS_UNIT_MEASURING_H
#define SNPVTPM_TESTS_UNIT_MEASURING_H

#include <time.h>

#include <jansson.h>

/* Since some moment before the program started. */
static inline double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Members of a line of the audit log, of the size of those of attestations. */
static inline json_t *attestation_members(void)
{
    static const char hex[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
                              "00112233445566778899aabbccddeeff";

    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "result", "accepted", "measurement", hex,
                     "chip", "0011223344556677", "report_id", hex, "policy", "default", "peer",
                     "192.0.2.7");
}

#endif
