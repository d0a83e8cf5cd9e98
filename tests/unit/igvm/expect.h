/* SPDX-License-Identifier: MIT */
/* cmocka, and the comparisons that the tests of the IGVM tools use most. */
#ifndef SNPVTPM_TESTS_UNIT_IGVM_EXPECT_H
#define SNPVTPM_TESTS_UNIT_IGVM_EXPECT_H

#include <stdio.h>

#include "tests/unit/registered.h"

/* Bytes against lowercase hex digits; prints both if they differ. */
static inline void expect_hex(const uint8_t *bytes, size_t size, const char *wanted)
{
    char hex[2 * 64 + 1];

    assert_true(size <= 64);
    for (size_t i = 0; i < size; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    assert_string_equal(hex, wanted);
}

#endif
