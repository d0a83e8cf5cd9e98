/* SPDX-License-Identifier: MIT */
/* Hexadecimal of reference vectors. */
#ifndef SNPVTPM_TESTS_UNIT_AMD_SP_HEX_H
#define SNPVTPM_TESTS_UNIT_AMD_SP_HEX_H

#include <stdio.h>

#include <openssl/crypto.h>

#include "tests/unit/registered.h"

/* Compares bytes (at most 128) with a vector; a failure shows both. */
static inline void assert_hex(const uint8_t *bytes, size_t size, const char *expected)
{
    char shown[257];

    assert_true(size <= 128);
    for (size_t i = 0; i < size; i++)
        snprintf(shown + 2 * i, 3, "%02x", bytes[i]);
    assert_string_equal(shown, expected);
}

/* Parses a vector of exactly size bytes. */
static inline void from_hex(uint8_t *bytes, size_t size, const char *hex)
{
    size_t length;

    assert_int_equal(OPENSSL_hexstr2buf_ex(bytes, size, &length, hex, '\0'), 1);
    assert_int_equal(length, size);
}

#endif
