/* SPDX-License-Identifier: MIT */
#include "kbs/cli/plain_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the character at text, which begins with lead; 0 for none. */
static size_t sequence_length(uint8_t lead)
{
    if (lead < 0x80)
        return 1;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 2;
    if (lead >= 0xE0 && lead <= 0xEF)
        return 3;
    return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

/* Of a lead byte and continuations, the code point. */
static uint32_t code_point(const uint8_t *bytes, size_t length)
{
    uint32_t point = length == 1 ? bytes[0] : bytes[0] & (0xFFu >> (length + 1));

    for (size_t i = 1; i < length; i++)
        point = point << 6 | (bytes[i] & 0x3Fu);
    return point;
}

/* Controls, and the marks that turn the direction of what follows. */
static bool is_harmful(uint32_t point)
{
    return point < 0x20 || (point >= 0x7F && point < 0xA0) ||
           (point >= 0x200B && point <= 0x200F) || (point >= 0x2028 && point <= 0x202E) ||
           (point >= 0x2066 && point <= 0x2069) || point == 0xFEFF;
}

/* Whether length bytes are one character that may be shown. */
static bool is_plain(const uint8_t *bytes, size_t length)
{
    for (size_t i = 1; i < length; i++)
        if ((bytes[i] & 0xC0) != 0x80)
            return false;
    return length > 0 && !is_harmful(code_point(bytes, length));
}

char *plain_text(const char *text)
{
    const uint8_t *next = (const uint8_t *)text;
    char *plain = malloc(strlen(text) + 1);
    size_t used = 0;

    if (!plain)
        return NULL;
    while (*next) {
        size_t length = sequence_length(*next);

        if (is_plain(next, length)) {
            memcpy(plain + used, next, length);
            used += length;
            next += length;
        } else {
            plain[used++] = '?';
            next++;
            while ((*next & 0xC0) == 0x80)
                next++;
        }
    }
    plain[used] = '\0';
    return plain;
}

size_t plain_width(const char *text)
{
    size_t width = 0;

    for (; *text; text++)
        width += ((uint8_t)*text & 0xC0) != 0x80;
    return width;
}
