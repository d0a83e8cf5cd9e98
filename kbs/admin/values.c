/* SPDX-License-Identifier: MIT */
#include "kbs/admin/values.h"

void values_time(time_t time, char text[TIME_TEXT_SIZE])
{
    struct tm utc;

    if (time == 0 || !gmtime_r(&time, &utc) ||
        strftime(text, TIME_TEXT_SIZE, "%FT%TZ", &utc) != TIME_TEXT_SIZE - 1)
        text[0] = '\0';
}
