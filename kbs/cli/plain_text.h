/* SPDX-License-Identifier: MIT */
/* Text from elsewhere, made safe for a terminal. */
#ifndef SNPVTPM_KBS_CLI_PLAIN_TEXT_H
#define SNPVTPM_KBS_CLI_PLAIN_TEXT_H

#include <stddef.h>

/* A copy in which every control character and every broken sequence of UTF-8 is a question mark,
 * which the caller frees; NULL without memory. */
char *plain_text(const char *text);

/* Columns that plain text takes, as far as every character takes one. */
size_t plain_width(const char *text);

#endif
