/* SPDX-License-Identifier: MIT */
/*
 * Bytes of any origin as printable ASCII, for logs and messages: the name in a certificate, what a
 * client sent, a path. The result is valid in JSON and harmless to a terminal. Text that was made
 * so stays as it is when it is made so again.
 */
#ifndef SNPVTPM_LIB_BASE_PRINTABLE_H
#define SNPVTPM_LIB_BASE_PRINTABLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/hex.h"

#define PRINTABLE_MARK_MAX 40                       /* of "...(18446744073709551615 bytes more)" */
#define PRINTABLE_ROOM_MIN (PRINTABLE_MARK_MAX + 8) /* characters and a NUL */

/* Writes one byte, as itself or as "\xNN". Returns how many characters. */
static inline size_t printable_byte(uint8_t byte, char text[4])
{
    if (byte >= ' ' && byte <= '~') {
        text[0] = (char)byte;
        return 1;
    }
    text[0] = '\\';
    text[1] = 'x';
    text[2] = HEX_DIGITS[byte >> 4];
    text[3] = HEX_DIGITS[byte & 15];
    return 4;
}

/* Writes as many of size bytes as fit into room characters with a NUL (PRINTABLE_ROOM_MIN at
 * least); a mark behind them says how many were left out. Returns text. */
static inline const char *printable_write(const void *bytes, size_t size, char *text, size_t room)
{
    const uint8_t *next = (const uint8_t *)bytes;
    size_t used = 0, kept = 0, kept_used = 0; /* kept: what a mark may follow */
    char one[4];

    for (size_t i = 0; i < size; i++) {
        size_t length = printable_byte(next[i], one);

        if (used + length >= room) {
            snprintf(text + kept_used, room - kept_used, "...(%zu bytes more)", size - kept);
            return text;
        }
        __builtin_memcpy(text + used, one, length);
        used += length;
        if (used + PRINTABLE_MARK_MAX < room) {
            kept = i + 1;
            kept_used = used;
        }
    }
    text[used] = '\0';
    return text;
}

#endif
