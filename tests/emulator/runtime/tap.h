/* SPDX-License-Identifier: MIT */
/*
 * What a test guest is made of: tests, each a rule of the specification, and endings, rules whose
 * breach ends the machine. The results go to COM1 as TAP.
 */
#ifndef SNPVTPM_TESTS_EMULATOR_RUNTIME_TAP_H
#define SNPVTPM_TESTS_EMULATOR_RUNTIME_TAP_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/emulator/runtime/trap.h"

struct test {
    const char *rule;
    void (*run)(void);
};

/* Does what ends the machine. The platform's last word must contain `log`. */
struct ending {
    const char *rule;
    unsigned exit_status; /* enum host_exit */
    const char *log;
    void (*run)(void);
};

#define TAP_JOIN_(a, b) a##b
#define TAP_JOIN(a, b)  TAP_JOIN_(a, b)

/* guest.ld puts the sections of a list in the order of the line numbers in their names. */
#define TAP_SECTION_(list, line) list #line
#define TAP_SECTION(list, line)  TAP_SECTION_(list, line)

#define TAP_REGISTER_(type, list, id, ...)                                                         \
    static void TAP_JOIN(run_, id)(void);                                                          \
    static const struct type TAP_JOIN(entry_, id) = {__VA_ARGS__, TAP_JOIN(run_, id)};             \
    static const struct type *const TAP_JOIN(listed_, id)                                          \
        __attribute__((section(TAP_SECTION(list, id)), used)) = &TAP_JOIN(entry_, id);             \
    static void TAP_JOIN(run_, id)(void)

/* TEST("rule") { checks } and ENDING("rule", status, "log") { the deed }, in order of execution. */
#define TEST(rule)        TAP_REGISTER_(test, ".tests.", __LINE__, rule)
#define ENDING(rule, ...) TAP_REGISTER_(ending, ".endings.", __LINE__, rule, __VA_ARGS__)

/* Ends the guest when its runtime itself cannot go on. */
__attribute__((format(printf, 1, 2))) _Noreturn void bail_out(const char *format, ...);

/* A line of TAP diagnostics. */
__attribute__((format(printf, 1, 2))) void diagnose(const char *format, ...);

/* Each check that fails makes the running test fail and says with which values; the test goes on.
 */
void check_equal(uint64_t actual, uint64_t expected, const char *what, unsigned line);
void check_trap(uint64_t vector, uint64_t error, unsigned line);

#define CHECK(condition) check_equal(!!(condition), true, #condition, __LINE__)
#define CHECK_EQUAL(actual, expected)                                                              \
    check_equal((uint64_t)(actual), (uint64_t)(expected), #actual, __LINE__)

/* Of the last ATTEMPT(). CHECK_VC also wants RIP at the instruction. */
#define CHECK_NO_TRAP()           check_trap(NO_TRAP, 0, __LINE__)
#define CHECK_TRAP(vector, error) check_trap(vector, error, __LINE__)
#define CHECK_VC(code)                                                                             \
    do {                                                                                           \
        check_trap(VECTOR_VC, code, __LINE__);                                                     \
        CHECK(last_trap.at_attempt);                                                               \
    } while (0)

#endif
