/* SPDX-License-Identifier: MIT */
#include "kbs/admin/json_values.h"

#include "kbs/admin/values.h"

json_t *json_time(time_t time)
{
    char text[TIME_TEXT_SIZE];

    values_time(time, text);
    return text[0] ? json_string(text) : json_null();
}
