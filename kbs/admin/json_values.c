/* SPDX-License-Identifier: MIT */
#include "kbs/admin/json_values.h"

#include <assert.h>

#include "kbs/admin/values.h"

#define HEX_BYTES_MAX 64

json_t *json_time(time_t time)
{
    char text[TIME_TEXT_SIZE];

    values_time(time, text);
    return text[0] ? json_string(text) : json_null();
}

json_t *json_hex(const uint8_t *bytes, size_t size)
{
    char text[2 * HEX_BYTES_MAX + 1];

    assert(size <= HEX_BYTES_MAX);
    values_hex(bytes, size, text);
    return json_string(text);
}
