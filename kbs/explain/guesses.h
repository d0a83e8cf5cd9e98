/* SPDX-License-Identifier: MIT */
/* Ways in which the launch of a known image can go wrong, recomputed. Private to kbs/explain. */
#ifndef SNPVTPM_KBS_EXPLAIN_GUESSES_H
#define SNPVTPM_KBS_EXPLAIN_GUESSES_H

#include "lib/igvm/launch_pages.h"

#define GUESS_TEXT_MAX 200 /* characters */

struct guess {
    const struct launch_pages *pages; /* of the image */
    const uint8_t *measurement;       /* that is to be met */
    size_t *steps;                    /* that are left; 0 ends guessing */
    bool met;
    char text[GUESS_TEXT_MAX + 1]; /* what went wrong, when met */
};

/* Makes all guesses until one is met. False when libcrypto fails. */
MUST_CHECK bool guesses_make(struct guess *guess);

#endif
