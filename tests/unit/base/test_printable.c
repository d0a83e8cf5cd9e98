/* SPDX-License-Identifier: MIT */
/* Any bytes as printable ASCII. */
#include <string.h>

#include "lib/base/printable.h"
#include "tests/unit/registered.h"

#define ROOM 64

static void assert_written(const char *bytes, size_t size, const char *expected)
{
    char text[ROOM];

    assert_string_equal(printable_write(bytes, size, text, sizeof(text)), expected);
}

TEST(printable_characters_stand_for_themselves)
{
    assert_written("", 0, "");
    assert_written("SEV-VCEK \\ \"~", 13, "SEV-VCEK \\ \"~");
}

TEST(every_other_byte_is_two_digits)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        char one = (char)byte;
        char expected[8];

        snprintf(expected, sizeof(expected), byte >= ' ' && byte <= '~' ? "%c" : "\\x%02x", byte);
        assert_written(&one, 1, expected);
    }
}

TEST(what_does_not_fit_is_counted)
{
    char bytes[ROOM + 36];

    memset(bytes, 'a', sizeof(bytes));
    assert_written(bytes, ROOM - 1,
                   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_written(bytes, ROOM, "aaaaaaaaaaaaaaaaaaaaaaa...(41 bytes more)");
    assert_written(bytes, ROOM + 36, "aaaaaaaaaaaaaaaaaaaaaaa...(77 bytes more)");
}

/* An escape is never cut in the middle, and the text never longer than there is room for. */
TEST(any_room_and_any_size_fit)
{
    char bytes[200], text[300];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i % 3 ? 0xff : 'a');
    for (size_t room = PRINTABLE_ROOM_MIN; room < 256; room++)
        for (size_t size = 0; size < sizeof(bytes); size++) {
            memset(text, '#', sizeof(text));
            printable_write(bytes, size, text, room);
            assert_true(strlen(text) < room);
            assert_int_equal(text[room], '#');
            for (const char *c = strchr(text, '\\'); c; c = strchr(c + 1, '\\'))
                assert_memory_equal(c, "\\xff", 4);
        }
}

TEST(text_that_was_made_so_stays)
{
    char once[ROOM], twice[ROOM];

    printable_write("caf\xc3\xa9\n", 6, once, sizeof(once));
    assert_string_equal(printable_write(once, strlen(once), twice, sizeof(twice)), once);
}
