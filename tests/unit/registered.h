/* SPDX-License-Identifier: MIT */
/*
 * Tests that register themselves, for cmocka. A file of tests is:
 *
 *     #include "tests/unit/registered.h"
 *
 *     TEST(nothing_is_left_of_a_leap_second)
 *     {
 *         assert_int_equal(...);
 *     }
 *
 *     TEST_GROUP(make_folder, remove_folder) -- a fixture of them all, if there is one
 *
 * and needs neither a list of its tests nor a main(). It may have one that does more, and runs the
 * tests by tests_run(). Tests run in the order in which they stand in their file, and the files of
 * a program in the order of their names.
 */
#ifndef SNPVTPM_TESTS_UNIT_REGISTERED_H
#define SNPVTPM_TESTS_UNIT_REGISTERED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct registered_test {
    const char *file;
    int line;
    struct CMUnitTest test;
    struct registered_test *next;
};

struct registered_group {
    const char *file;
    CMFixtureFunction set_up, tear_down;
    struct registered_group *next;
};

void test_register(struct registered_test *test);
void test_register_group(struct registered_group *group);

/* Runs all that are registered, a group for each file; returns how many failed. */
int tests_run(void);

/* A test function, void NAME(void **state), with a fixture of its own. */
#define TEST_FIXTURE(name, set_up, tear_down)                                                      \
    static void name(void **state);                                                                \
    __attribute__((constructor)) static void name##_register(void)                                 \
    {                                                                                              \
        static struct registered_test registered = {                                               \
            __FILE__, __LINE__, {#name, name, set_up, tear_down, NULL}, NULL};                     \
                                                                                                   \
        test_register(&registered);                                                                \
    }                                                                                              \
    static void name(__attribute__((unused)) void **state)

#define TEST(name)                     TEST_FIXTURE(name, NULL, NULL)
#define TEST_SETUP(name, set_up)       TEST_FIXTURE(name, set_up, NULL)
#define TEST_TEARDOWN(name, tear_down) TEST_FIXTURE(name, NULL, tear_down)

/* The fixture of all tests in the file; either may be NULL. No semicolon behind it. */
#define TEST_GROUP(set_up, tear_down)                                                              \
    __attribute__((constructor)) static void register_group(void)                                  \
    {                                                                                              \
        static struct registered_group registered = {__FILE__, set_up, tear_down, NULL};           \
                                                                                                   \
        test_register_group(&registered);                                                          \
    }

#endif
