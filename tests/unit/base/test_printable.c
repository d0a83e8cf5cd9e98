/* SPDX-License-Identifier: MIT */
/* Any bytes as printable ASCII. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/printable.h"

#define ROOM 64

static void assert_written(const char *bytes, size_t size, const char *expected)
{
    char text[ROOM];

    assert_string_equal(printable_write(bytes, size, text, sizeof(text)), expected);
}

static void printable_characters_stand_for_themselves(void **state)
{
    (void)state;
    assert_written("", 0, "");
    assert_written("SEV-VCEK \\ \"~", 13, "SEV-VCEK \\ \"~");
}

static void every_other_byte_is_two_digits(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        const char one = (char)byte;
        char expected[8];

        snprintf(expected, sizeof(expected), byte >= ' ' && byte <= '~' ? "%c" : "\\x%02x", byte);
        assert_written(&one, 1, expected);
    }
}

static void what_does_not_fit_is_counted(void **state)
{
    char bytes[ROOM + 36];

    (void)state;
    memset(bytes, 'a', sizeof(bytes));
    assert_written(bytes, ROOM - 1,
                   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_written(bytes, ROOM, "aaaaaaaaaaaaaaaaaaaaaaa...(41 bytes more)");
    assert_written(bytes, ROOM + 36, "aaaaaaaaaaaaaaaaaaaaaaa...(77 bytes more)");
}

/* An escape is never cut in the middle, and the text never longer than there is room for. */
static void any_room_and_any_size_fit(void **state)
{
    char bytes[200], text[300];

    (void)state;
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

static void text_that_was_made_so_stays(void **state)
{
    char once[ROOM], twice[ROOM];

    (void)state;
    printable_write("caf\xc3\xa9\n", 6, once, sizeof(once));
    assert_string_equal(printable_write(once, strlen(once), twice, sizeof(twice)), once);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printable_characters_stand_for_themselves),
        cmocka_unit_test(every_other_byte_is_two_digits),
        cmocka_unit_test(what_does_not_fit_is_counted),
        cmocka_unit_test(any_room_and_any_size_fit),
        cmocka_unit_test(text_that_was_made_so_stays),
    };

    return cmocka_run_group_tests_name("printable", tests, NULL, NULL);
}
