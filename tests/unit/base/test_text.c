/* SPDX-License-Identifier: MIT */
/* Hexadecimal digits and UUIDs: what is one, what is none, and what is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/base/uuid.h"
#include "tests/unit/registered.h"

TEST(every_byte_has_two_lowercase_digits_and_comes_back)
{
    for (unsigned value = 0; value < 256; value++) {
        uint8_t byte = (uint8_t)value, back = (uint8_t)~value;
        char text[3], expected[3];

        snprintf(expected, sizeof(expected), "%02x", value);
        assert_string_equal(hex_text(&byte, 1, text), expected);
        assert_true(hex_bytes(text, &back, 1));
        assert_int_equal(back, value);
    }
}

TEST(nothing_is_written_as_an_empty_text_and_read_from_one)
{
    char text[1] = "x";

    assert_string_equal(hex_text(NULL, 0, text), "");
    assert_true(hex_bytes("", NULL, 0));
    assert_false(hex_bytes("0", NULL, 0));
}

TEST(digits_of_either_case_are_read)
{
    static const uint8_t expected[] = {0xab, 0xCD, 0x0f};
    uint8_t bytes[3];

    assert_true(hex_bytes("aBCd0F", bytes, sizeof(bytes)));
    assert_memory_equal(bytes, expected, sizeof(bytes));
}

TEST(exactly_as_many_digits_as_bytes_need_are_read)
{
    static const char *const texts[] = {"", "0", "00", "000", "00000", "000000"};
    uint8_t bytes[2];

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_false(hex_bytes(texts[i], bytes, sizeof(bytes)));
    assert_true(hex_bytes("0000", bytes, sizeof(bytes)));
}

TEST(what_is_beside_the_digits_in_ASCII_is_none)
{
    for (int c = -128; c < 128; c++) {
        char text[] = {'0', (char)c, '\0'};
        uint8_t byte;
        bool digit = c != 0 && strchr("0123456789abcdefABCDEF", (uint8_t)c);

        assert_int_equal(hex_bytes(text, &byte, 1), digit);
        assert_int_equal(hex_digit((char)c) >= 0, digit);
    }
}

TEST(a_uuid_is_written_in_lowercase_with_its_hyphens_and_comes_back)
{
    static const uint8_t uuid[UUID_SIZE] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                            0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    char text[UUID_TEXT_LENGTH + 1];
    uint8_t back[UUID_SIZE];

    assert_string_equal(uuid_text(uuid, text), "00112233-4455-6677-8899-aabbccddeeff");
    assert_true(uuid_bytes(text, back));
    assert_memory_equal(back, uuid, sizeof(uuid));
    assert_true(uuid_bytes("00112233-4455-6677-8899-AAbbCCddEEff", back));
    assert_memory_equal(back, uuid, sizeof(uuid));
}

TEST(what_is_not_quite_a_uuid_is_refused)
{
    static const char *const texts[] = {
        "",
        "00112233-4455-6677-8899-aabbccddeef",
        "00112233-4455-6677-8899-aabbccddeeff0",
        "00112233445566778899aabbccddeeff",
        "001122334455-6677-8899-aabbccddeeff-",
        "00112233-4455-6677-8899aabbccddeeff-",
        "00112233-4455-6677-8899-aabbccddee-f",
        "0011223g-4455-6677-8899-aabbccddeeff",
        "00112233-4455-6677-8899-aabbccddee f",
        "{0112233-4455-6677-8899-aabbccddeef}",
    };
    uint8_t uuid[UUID_SIZE];

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (uuid_bytes(texts[i], uuid))
            fail_msg("taken: %s", texts[i]);
}
