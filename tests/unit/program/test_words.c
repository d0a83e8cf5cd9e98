/* SPDX-License-Identifier: MIT */
/* What command-line programs share: commands, complaints, numbers. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/program/commands.h"
#include "lib/program/complain.h"
#include "lib/program/number.h"
#include "tests/unit/registered.h"

#define MIB (UINT64_C(1) << 20)

const char program_name[] = "tool";

static void assert_number(const char *text, uint64_t max, uint64_t expected)
{
    uint64_t number;

    assert_int_equal(number_parse(text, max, &number), NUMBER_OK);
    assert_int_equal(number, expected);
}

static void assert_no_number(const char *text, uint64_t max, enum number_status status)
{
    uint64_t number = 77;

    assert_int_equal(number_parse(text, max, &number), status);
    assert_int_equal(number, 77);
}

TEST(numbers_are_decimal_or_hexadecimal_and_may_have_a_suffix)
{
    assert_number("0", 0, 0);
    assert_number("123", 123, 123);
    assert_number("0x7b", 123, 123);
    assert_number("16M", 16 * MIB, 16 * MIB);
    assert_number("0x10K", MIB, 16384);
    assert_number("2G", UINT64_MAX, 2048 * MIB);
    assert_number("18446744073709551615", UINT64_MAX, UINT64_MAX);
}

TEST(what_is_no_number_or_too_large_is_not_taken)
{
    static const char *const none[] = {"",   "x",   "-1", "+1",  " 1", "1 ",
                                       "1T", "1MB", "M",  "1.5", "1k"};

    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        assert_no_number(none[i], UINT64_MAX, NUMBER_NONE);
    assert_no_number("124", 123, NUMBER_TOO_LARGE);
    assert_no_number("17M", 17 * MIB - 1, NUMBER_TOO_LARGE);
    assert_no_number("18446744073709551616", UINT64_MAX, NUMBER_TOO_LARGE);
    assert_no_number("17179869184G", UINT64_MAX, NUMBER_TOO_LARGE);
}

/* Commands */

static int ran_with;

static unsigned run_one(int argc, char **argv)
{
    ran_with = argc;
    assert_string_equal(argv[0], "one");
    return 9;
}

static const struct command commands[] = {{"one", run_one}};
static const struct command_table table = {"usage: tool one\n", commands, 1, 2, 3};

/* What the program says on that stream; its status. */
static int said_on(FILE *stream, int argc, char **argv, char text[256])
{
    int ends[2], kept = dup(fileno(stream)), status;
    ssize_t size;

    assert_int_equal(pipe(ends), 0);
    fflush(stream);
    dup2(ends[1], fileno(stream));
    status = commands_run(&table, argc, argv);
    fflush(stream);
    dup2(kept, fileno(stream));
    close(kept);
    close(ends[1]);
    size = read(ends[0], text, 255);
    assert_true(size >= 0);
    text[size] = '\0';
    close(ends[0]);
    return status;
}

TEST(the_command_that_is_named_runs_and_gives_the_status)
{
    char *const arguments[] = {"tool", "one", "more", NULL};

    assert_int_equal(commands_run(&table, 3, (char **)arguments), 9);
    assert_int_equal(ran_with, 2);
}

TEST(without_a_command_the_usage_is_told)
{
    char *const nothing[] = {"tool", NULL}, *const help[] = {"tool", "--help", NULL},
                *const other[] = {"tool", "two", NULL};
    char text[256];

    assert_int_equal(said_on(stderr, 1, (char **)nothing, text), 2);
    assert_string_equal(text, table.usage);
    assert_int_equal(said_on(stdout, 2, (char **)help, text), 0);
    assert_string_equal(text, table.usage);
    assert_int_equal(said_on(stderr, 2, (char **)other, text), 2);
    assert_string_equal(text, "tool: unknown command two; see tool --help\n");
}

TEST(an_output_that_is_lost_is_an_error)
{
    char *const help[] = {"tool", "-h", NULL};
    int kept = dup(STDOUT_FILENO), full = open("/dev/full", O_WRONLY), status;

    fflush(stdout);
    dup2(full, STDOUT_FILENO);
    status = commands_run(&table, 2, (char **)help);
    dup2(kept, STDOUT_FILENO);
    close(full);
    close(kept);
    assert_int_equal(status, 3);
}
