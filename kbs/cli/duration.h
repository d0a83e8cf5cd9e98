/* SPDX-License-Identifier: MIT */
/* A length of time on the command line, such as 90d. */
#ifndef SNPVTPM_KBS_CLI_DURATION_H
#define SNPVTPM_KBS_CLI_DURATION_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/must_check.h"

/* A number of h, d, w or y in seconds; false if it is not of that form. */
MUST_CHECK bool duration_parse(const char *text, int64_t *seconds);

#endif
