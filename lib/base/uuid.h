/* SPDX-License-Identifier: MIT */
/* UUIDs as text, 8-4-4-4-12 hexadecimal digits (RFC 9562, 4), of bytes in the order of the text. */
#ifndef SNPVTPM_LIB_BASE_UUID_H
#define SNPVTPM_LIB_BASE_UUID_H

#include "lib/base/hex.h"

#define UUID_SIZE        16
#define UUID_TEXT_LENGTH 36

static inline bool uuid_is_hyphen_at(size_t place)
{
    return place == 8 || place == 13 || place == 18 || place == 23;
}

/* Lowercase digits. Returns text. */
static inline const char *uuid_text(const uint8_t uuid[UUID_SIZE], char text[UUID_TEXT_LENGTH + 1])
{
    char digits[2 * UUID_SIZE + 1];
    const char *next = hex_text(uuid, UUID_SIZE, digits);

    for (size_t i = 0; i < UUID_TEXT_LENGTH; i++)
        if (uuid_is_hyphen_at(i))
            text[i] = '-';
        else
            text[i] = *next++;
    text[UUID_TEXT_LENGTH] = '\0';
    return text;
}

/* Whether text is a UUID and nothing else, of digits of either case. */
MUST_CHECK static inline bool uuid_bytes(const char *text, uint8_t uuid[UUID_SIZE])
{
    char digits[2 * UUID_SIZE + 1], *next = digits;

    if (strlen(text) != UUID_TEXT_LENGTH)
        return false;
    for (size_t i = 0; i < UUID_TEXT_LENGTH; i++) {
        if (uuid_is_hyphen_at(i) != (text[i] == '-'))
            return false;
        if (text[i] != '-')
            *next++ = text[i];
    }
    *next = '\0';
    return hex_bytes(digits, uuid, UUID_SIZE);
}

#endif
