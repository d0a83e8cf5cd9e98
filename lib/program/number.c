/* SPDX-License-Identifier: MIT */
#include "lib/program/number.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The power of two that a suffix stands for; -1 if it is none. */
static int suffix_shift(const char *suffix)
{
    if (suffix[0] == '\0')
        return 0;
    if (suffix[1] != '\0')
        return -1;
    switch (suffix[0]) {
    case 'K':
        return 10;
    case 'M':
        return 20;
    case 'G':
        return 30;
    default:
        return -1;
    }
}

enum number_status number_parse(const char *text, uint64_t max, uint64_t *out)
{
    bool hexadecimal = strncmp(text, "0x", 2) == 0;
    uint64_t number;
    char *end;
    int shift;

    errno = 0;
    number = strtoull(text, &end, hexadecimal ? 16 : 10);
    shift = suffix_shift(end);
    /* strtoull() would take leading space and signs. */
    if (!isdigit((unsigned char)text[0]) || shift < 0)
        return NUMBER_NONE;
    if (errno == ERANGE || number > max >> shift)
        return NUMBER_TOO_LARGE;
    *out = number << shift;
    return NUMBER_OK;
}
