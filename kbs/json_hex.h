/* SPDX-License-Identifier: MIT */
/* Bytes as lowercase hexadecimal digits, in JSON. */
#ifndef SNPVTPM_KBS_JSON_HEX_H
#define SNPVTPM_KBS_JSON_HEX_H

#include <assert.h>

#include <jansson.h>

#include "lib/base/hex.h"

#define JSON_HEX_MAX 64 /* bytes */

/* At most JSON_HEX_MAX bytes; NULL without memory. */
static inline json_t *json_hex(const uint8_t *bytes, size_t size)
{
    char text[2 * JSON_HEX_MAX + 1];

    assert(size <= JSON_HEX_MAX);
    return json_string_nocheck(hex_text(bytes, size, text));
}

#endif
