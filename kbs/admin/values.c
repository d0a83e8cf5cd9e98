/* SPDX-License-Identifier: MIT */
#include "kbs/admin/values.h"

#include <string.h>

void values_time(time_t time, char text[TIME_TEXT_SIZE])
{
    struct tm utc;

    if (time == 0 || !gmtime_r(&time, &utc) ||
        strftime(text, TIME_TEXT_SIZE, "%FT%TZ", &utc) != TIME_TEXT_SIZE - 1)
        text[0] = '\0';
}

void values_hex(const uint8_t *bytes, size_t size, char *text)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 0xF];
    }
    text[2 * size] = '\0';
}

/* The value of a digit; -1 for what is none. */
static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

bool values_parse_hex(const char *text, uint8_t *bytes, size_t size)
{
    if (strlen(text) != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = digit_value(text[2 * i]), low = digit_value(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool is_hyphen_place(size_t place)
{
    return place == 8 || place == 13 || place == 18 || place == 23;
}

void values_volume_id(const uint8_t id[VOLUME_ID_BYTES], char text[VOLUME_ID_TEXT_LEN + 1])
{
    char digits[2 * VOLUME_ID_BYTES + 1];
    const char *next = digits;

    values_hex(id, VOLUME_ID_BYTES, digits);
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
    return values_parse_hex(digits, id, VOLUME_ID_BYTES);
}
