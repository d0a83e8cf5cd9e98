/* SPDX-License-Identifier: MIT */
#include "kbs/cli/duration.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

bool duration_parse(const char *text, int64_t *seconds)
{
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = {{'h', 3600}, {'d', 86400}, {'w', 7 * 86400}, {'y', 365 * 86400}};
    char *end;
    long number;

    errno = 0;
    number = strtol(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || errno != 0 || number > 100000)
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (end[0] == units[i].letter && end[1] == '\0') {
            *seconds = number * units[i].seconds;
            return true;
        }
    return false;
}
