/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/jose/json_memory.h"
#include "tests/unit/registered.h"

#define NUMBERS 20000 /* more than a chunk holds */

TEST(a_document_is_as_any_other)
{
    static const char text[] = "{\"a\":[1,2.5,null,{\"b\":\"\\u00e9\"}],\"c\":true}";
    struct json_region region;
    json_t *root = json_region_load(&region, text, strlen(text), 0), *same;

    assert_non_null(root);
    assert_ptr_equal(root, region.root);
    same = json_loads(text, 0, NULL);
    assert_true(json_equal(root, same));
    json_decref(same);
    json_region_free(&region);
    assert_null(region.root);
    json_region_free(&region);
}

TEST(values_outside_are_their_own)
{
    json_t *before = json_pack("[s, i]", "before", 1), *after;
    struct json_region region;
    json_t *root = json_region_load(&region, "[\"within\"]", 10, 0);

    after = json_pack("[s, s]", "after", json_string_value(json_array_get(root, 0)));
    json_decref(before);
    json_region_free(&region);
    assert_string_equal(json_string_value(json_array_get(after, 1)), "within");
    json_decref(after);
}

TEST(two_documents_do_not_mix)
{
    struct json_region first, second;

    assert_non_null(json_region_load(&first, "[1]", 3, 0));
    assert_non_null(json_region_load(&second, "[2]", 3, 0));
    json_region_free(&first);
    assert_int_equal(json_integer_value(json_array_get(second.root, 0)), 2);
    json_region_free(&second);
}

TEST(a_document_may_be_long)
{
    char *text = malloc(2 * NUMBERS + 1);
    struct json_region region;
    json_t *root;

    assert_non_null(text);
    for (size_t i = 0; i < NUMBERS; i++)
        memcpy(text + 2 * i, i == 0 ? "[7" : ",7", 2);
    text[2 * NUMBERS] = ']';
    root = json_region_load(&region, text, 2 * NUMBERS + 1, 0);
    assert_int_equal(json_array_size(root), NUMBERS);
    for (size_t i = 0; i < NUMBERS; i++)
        assert_int_equal(json_integer_value(json_array_get(root, i)), 7);
    json_region_free(&region);
    free(text);
}

TEST(of_a_malformed_one_nothing_is_left)
{
    struct json_region region;

    assert_null(json_region_load(&region, "[1,[2,{\"a\":3", 12, 0));
    json_region_free(&region);
    assert_null(region.chunks);
    assert_null(json_region_load(&region, "", 0, 0));
    json_region_free(&region);
}

/* First as in a program that leaves JSON's memory to jansson, then with memory of its own. */
int main(void)
{
    int failed = tests_run();

    json_memory_use();
    return failed + tests_run();
}
