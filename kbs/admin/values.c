/* SPDX-License-Identifier: MIT */
#include "kbs/admin/values.h"

#include <string.h>

#include "lib/base/hex.h"

void values_time(time_t time, char text[TIME_TEXT_SIZE])
{
    struct tm utc;

    if (time == 0 || !gmtime_r(&time, &utc) ||
        strftime(text, TIME_TEXT_SIZE, "%FT%TZ", &utc) != TIME_TEXT_SIZE - 1)
        text[0] = '\0';
}

void values_hex(const uint8_t *bytes, size_t size, char *text)
{
    hex_text(bytes, size, text);
}

bool values_parse_hex(const char *text, uint8_t *bytes, size_t size)
{
    return hex_bytes(text, bytes, size);
}

static bool is_hyphen_place(size_t place)
{
    return place == 8 || place == 13 || place == 18 || place == 23;
}

void values_volume_id(const uint8_t id[VOLUME_ID_BYTES], char text[VOLUME_ID_TEXT_LEN + 1])
{
    char digits[2 * VOLUME_ID_BYTES + 1];
    const char *next = digits;

    hex_text(id, VOLUME_ID_BYTES, digits);
    for (size_t i = 0; i < VOLUME_ID_TEXT_LEN; i++)
        if (is_hyphen_place(i))
            text[i] = '-';
        else
            text[i] = *next++;
    text[VOLUME_ID_TEXT_LEN] = '\0';
}

bool values_parse_volume_id(const char *text, uint8_t id[VOLUME_ID_BYTES])
{
    char digits[2 * VOLUME_ID_BYTES + 1];
    char *next = digits;

    if (strlen(text) != VOLUME_ID_TEXT_LEN)
        return false;
    for (size_t i = 0; i < VOLUME_ID_TEXT_LEN; i++) {
        if (is_hyphen_place(i) != (text[i] == '-'))
            return false;
        if (text[i] != '-')
            *next++ = text[i];
    }
    *next = '\0';
    return hex_bytes(digits, id, VOLUME_ID_BYTES);
}
