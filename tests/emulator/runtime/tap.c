/* SPDX-License-Identifier: MIT */
#include "tests/emulator/runtime/tap.h"

#include <stdarg.h>

#include "lib/freestanding/format.h"
#include "tests/emulator/runtime/fw_cfg.h"
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/port.h"

#define COM1           0x3F8
#define COM1_STATUS    (COM1 + 5)
#define TRANSMIT_READY 0x20
#define LINE_MAX       256

/* Reason set of our own, and what run-guest.sh makes of the reason code. */
#define TERMINATE_SET 15
enum { END_OF_TESTS = 0, END_BY_BAIL_OUT = 1, END_MISSING = 2 };

/* The number of an ending, in decimal, as run-guest.sh chooses it; none: the tests. */
#define CHOICE_FILE "opt/snp-vtpm/ending"

extern const struct test *const tests_start[], *const tests_end[];
extern const struct ending *const endings_start[], *const endings_end[];
_Noreturn void guest_main(const struct boot_params *params);

static bool test_failed;

static void put(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        while (!(port_in(COM1_STATUS, 1) & TRANSMIT_READY))
            ;
        port_out(COM1, 1, (uint8_t)text[i]);
    }
}

static void say_va(const char *prefix, const char *format, va_list arguments)
{
    char line[LINE_MAX];
    size_t size = format_text(line, sizeof(line), format, arguments);

    while (*prefix)
        put(prefix++, 1);
    put(line, size);
    put("\n", 1);
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say_va("", format, arguments);
    va_end(arguments);
}

void diagnose(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say_va("# ", format, arguments);
    va_end(arguments);
}

void bail_out(const char *format, ...)
{
    va_list arguments;

    attempt_resume = 0;
    va_start(arguments, format);
    say_va("Bail out! ", format, arguments);
    va_end(arguments);
    ghcb_terminate(TERMINATE_SET, END_BY_BAIL_OUT);
}

void check_equal(uint64_t actual, uint64_t expected, const char *what, unsigned line)
{
    if (actual == expected)
        return;
    test_failed = true;
    diagnose("line %u: %s is 0x%lx, not 0x%lx", line, what, actual, expected);
}

void check_trap(uint64_t vector, uint64_t error, unsigned line)
{
    if (last_trap.vector != vector)
        check_equal(last_trap.vector, vector, "the exception's vector", line);
    else if (vector != NO_TRAP)
        check_equal(last_trap.error, error, "the exception's error code", line);
}

static void run_tests(void)
{
    size_t count = (size_t)(tests_end - tests_start);

    say("1..%lu", count);
    for (size_t i = 0; i < count; i++) {
        test_failed = false;
        tests_start[i]->run();
        say("%s %lu - %s", test_failed ? "not ok" : "ok", i + 1, tests_start[i]->rule);
    }
    diagnose("endings: %lu", (size_t)(endings_end - endings_start));
}

static size_t to_number(const char *text)
{
    size_t number = 0;

    for (; *text >= '0' && *text <= '9'; text++)
        number = number * 10 + (size_t)(*text - '0');
    return number;
}

static void run_ending(size_t number)
{
    const struct ending *ending;

    if (number >= (size_t)(endings_end - endings_start))
        bail_out("there is no ending %lu", number);
    ending = endings_start[number];
    say("rule: %s", ending->rule);
    say("exit: %u", ending->exit_status);
    say("log: %s", ending->log);
    ending->run();
    say("survived");
    ghcb_terminate(TERMINATE_SET, END_MISSING);
}

void guest_main(const struct boot_params *params)
{
    char choice[8] = {0};

    ghcb_note_reset_value();
    traps_init();
    memory_init(params);
    ghcb_init();
    if (fw_cfg_read(CHOICE_FILE, choice, sizeof(choice) - 1))
        run_ending(to_number(choice));
    run_tests();
    ghcb_terminate(TERMINATE_SET, END_OF_TESTS);
}
