/* SPDX-License-Identifier: MIT */
/* Numbers on the command line: decimal or 0x hexadecimal, with an optional suffix K, M or G (powers
 * of 1024). */
#ifndef SNPVTPM_LIB_PROGRAM_NUMBER_H
#define SNPVTPM_LIB_PROGRAM_NUMBER_H

#include <stdint.h>

#include "lib/base/must_check.h"

enum number_status {
    NUMBER_OK,
    NUMBER_NONE,      /* the text is no such number */
    NUMBER_TOO_LARGE, /* more than max */
};

MUST_CHECK enum number_status number_parse(const char *text, uint64_t max, uint64_t *out);

#endif
