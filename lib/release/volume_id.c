/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "lib/release/record.h"

static int digit_of(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

    return at ? (int)(at - digits) : -1;
}

static bool is_dash_at(size_t at)
{
    return at == 8 || at == 13 || at == 18 || at == 23;
}

bool release_volume_parse(const char *text, uint8_t volume[RELEASE_VOLUME_ID_SIZE])
{
    uint8_t any = 0;
    size_t at = 0;

    if (strnlen(text, RELEASE_VOLUME_TEXT + 1) != RELEASE_VOLUME_TEXT)
        return false;
    for (size_t i = 0; i < RELEASE_VOLUME_ID_SIZE; i++, at += 2) {
        int high, low;

        if (is_dash_at(at) && text[at++] != '-')
            return false;
        high = digit_of(text[at]);
        low = digit_of(text[at + 1]);
        if (high < 0 || low < 0)
            return false;
        volume[i] = (uint8_t)(high << 4 | low);
        any |= volume[i];
    }
    return any != 0;
}

void release_volume_format(const uint8_t volume[RELEASE_VOLUME_ID_SIZE],
                           char text[RELEASE_VOLUME_TEXT + 1])
{
    for (size_t i = 0; i < RELEASE_VOLUME_ID_SIZE; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *text++ = '-';
        text += sprintf(text, "%02x", volume[i]);
    }
}
