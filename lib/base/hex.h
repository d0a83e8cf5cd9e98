/* SPDX-License-Identifier: MIT */
/* Bytes as hexadecimal digits, and back. */
#ifndef SNPVTPM_LIB_BASE_HEX_H
#define SNPVTPM_LIB_BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/must_check.h"

#define HEX_DIGITS "0123456789abcdef"

/* Lowercase digits; text has room for 2 * size + 1 characters. Returns text. */
static inline const char *hex_text(const uint8_t *bytes, size_t size, char *text)
{
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = HEX_DIGITS[bytes[i] >> 4];
        text[2 * i + 1] = HEX_DIGITS[bytes[i] & 15];
    }
    text[2 * size] = '\0';
    return text;
}

/* The value of a digit; -1 for what is none. */
static inline int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

/* Whether text is exactly 2 * size digits of either case, which bytes then are. */
MUST_CHECK static inline bool hex_bytes(const char *text, uint8_t *bytes, size_t size)
{
    if (strlen(text) != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

#endif
