/* SPDX-License-Identifier: MIT */
/* Bytes as lower-case hexadecimal digits, in JSON. */
#ifndef SNPVTPM_KBS_PROTOCOL_HEX_H
#define SNPVTPM_KBS_PROTOCOL_HEX_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "kbs/evidence/verdict.h"

#define HEX_BYTES_MAX 64 /* of hex_json */

/* At most HEX_BYTES_MAX bytes; NULL without memory. */
static inline json_t *hex_json(const uint8_t *bytes, size_t size)
{
    char text[2 * HEX_BYTES_MAX + 1];

    return json_string_nocheck(hex_text(bytes, size < HEX_BYTES_MAX ? size : HEX_BYTES_MAX, text));
}

#endif
