/* SPDX-License-Identifier: MIT */
#include "tests/unit/registered.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static struct registered_test *tests;
static struct registered_group *groups;

static bool stands_before(const struct registered_test *one, const struct registered_test *other)
{
    int files = strcmp(one->file, other->file);

    return files != 0 ? files < 0 : one->line < other->line;
}

/* In which order constructors run is nobody's promise. */
void test_register(struct registered_test *test)
{
    struct registered_test **link = &tests;

    while (*link && stands_before(*link, test))
        link = &(*link)->next;
    test->next = *link;
    *link = test;
}

void test_register_group(struct registered_group *group)
{
    group->next = groups;
    groups = group;
}

static struct registered_group fixture_of(const char *file)
{
    const struct registered_group *group = groups;

    while (group && strcmp(group->file, file) != 0)
        group = group->next;
    return group ? *group : (struct registered_group){0};
}

static size_t count_from(const struct registered_test *test)
{
    const char *file = test->file;
    size_t count = 0;

    for (; test && strcmp(test->file, file) == 0; test = test->next)
        count++;
    return count;
}

/* Runs those of one file, from *test on, which becomes the next file's first. */
static int run_file(const struct registered_test **test)
{
    struct registered_group group = fixture_of((*test)->file);
    struct CMUnitTest of_file[count_from(*test)];

    for (size_t i = 0; i < sizeof(of_file) / sizeof(of_file[0]); i++, *test = (*test)->next)
        of_file[i] = (*test)->test;
    return cmocka_run_group_tests_name(program_invocation_short_name, of_file, group.set_up,
                                       group.tear_down);
}

int tests_run(void)
{
    const struct registered_test *test = tests;
    int failed = 0;

    while (test)
        failed += run_file(&test);
    return failed;
}
