/* SPDX-License-Identifier: MIT */
/* A time as text, for logs, lists and messages of the host's programs. */
#ifndef SNPVTPM_LIB_BASE_UTC_H
#define SNPVTPM_LIB_BASE_UTC_H

#include <stdbool.h>
#include <string.h>
#include <time.h>

#define UTC_TEXT_SIZE sizeof("2026-01-01T00:00:00Z")

/* Writes the seconds since 1970 in that form. False, and an empty text, for a year of more than
 * four digits. */
static inline bool utc_text(time_t time, char text[UTC_TEXT_SIZE])
{
    struct tm utc;

    if (gmtime_r(&time, &utc) && strftime(text, UTC_TEXT_SIZE, "%FT%TZ", &utc) == UTC_TEXT_SIZE - 1)
        return true;
    memset(text, 0, UTC_TEXT_SIZE);
    return false;
}

#endif
