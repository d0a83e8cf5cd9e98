/* SPDX-License-Identifier: MIT */
#include "kbs/admin/values.h"

void values_time(time_t time, char text[TIME_TEXT_SIZE])
{
    if (time != 0)
        utc_text(time, text);
    else
        text[0] = '\0';
}
