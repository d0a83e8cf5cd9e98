/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "lib/jose/strict_json.h"
#include "tests/unit/registered.h"

static bool loads(const char *text)
{
    json_t *root = strict_json_load(text, strlen(text));

    json_decref(root);
    return root != NULL;
}

TEST(loads_objects_only)
{
    assert_true(loads("{}"));
    assert_true(loads(" {\"a\": [1, {\"b\": null}]} "));
    assert_false(loads(""));
    assert_false(loads("[]"));
    assert_false(loads("7"));
    assert_false(loads("{} {}"));
    assert_false(loads("{\"a\":}"));
    assert_false(loads("{\"a\":1]"));
    assert_false(loads("}{"));
}

static void assert_says(const char *text, const char *words, bool excessive)
{
    struct strict_json_problem problem = {.excessive = !excessive};

    assert_null(strict_json_load_or_say(text, strlen(text), &problem));
    assert_string_equal(problem.text, words);
    assert_int_equal(problem.excessive, excessive);
}

TEST(says_what_is_wrong)
{
    assert_says("[]", "not a JSON object", false);
    assert_says("{\n \"a\":,}", "line 2, column 6: not JSON, or a member twice", false);
    assert_says("{\"a\":1,\"a\":1}", "line 1, column 10: not JSON, or a member twice", false);
    assert_says("}", "a bracket is closed that was never opened", false);
    assert_says("[[[[[[[[[[[[[[[[[", "nested deeper than 16", true);
}

TEST(refuses_a_member_twice)
{
    assert_false(loads("{\"a\":1,\"a\":1}"));
    assert_false(loads("{\"a\":{\"b\":1,\"b\":2}}"));
}

TEST(refuses_deep_nesting)
{
    char text[4 * STRICT_JSON_DEPTH_MAX];

    for (size_t depth = STRICT_JSON_DEPTH_MAX; depth <= STRICT_JSON_DEPTH_MAX + 1; depth++) {
        strcpy(text, "{\"a\":");
        memset(text + 5, '[', depth - 1);
        memset(text + 5 + depth - 1, ']', depth - 1);
        strcpy(text + 5 + 2 * (depth - 1), "}");
        assert_int_equal(loads(text), depth == STRICT_JSON_DEPTH_MAX);
    }
}

TEST(refuses_more_values_than_any_request_has)
{
    static char text[2 * STRICT_JSON_VALUES_MAX + 32];

    for (size_t values = STRICT_JSON_VALUES_MAX - 2; values <= STRICT_JSON_VALUES_MAX; values++) {
        size_t length = (size_t)sprintf(text, "{\"a\":[0");

        for (size_t i = 0; i < values; i++, length += 2)
            memcpy(text + length, ",0", 2);
        strcpy(text + length, "]}");
        assert_int_equal(loads(text), values <= STRICT_JSON_VALUES_MAX - 2);
    }
}

TEST(brackets_in_strings_are_no_nesting)
{
    assert_true(loads("{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[\",\"}}}\":\"\\\\\"}"));
}

TEST(bytes_are_numbers_that_fit)
{
    uint8_t bytes[3];
    json_t *good = json_pack("[i, i, i]", 0, 255, 7), *large = json_pack("[i, i, i]", 0, 256, 7),
           *negative = json_pack("[i, i, i]", 0, -1, 7), *text = json_pack("[i, s, i]", 0, "1", 7);

    assert_true(strict_json_bytes(good, bytes, 3));
    assert_memory_equal(bytes, "\x00\xff\x07", 3);
    assert_false(strict_json_bytes(good, bytes, 2));
    assert_false(strict_json_bytes(large, bytes, 3));
    assert_false(strict_json_bytes(negative, bytes, 3));
    assert_false(strict_json_bytes(text, bytes, 3));
    assert_false(strict_json_bytes(NULL, bytes, 3));
    json_decref(good);
    json_decref(large);
    json_decref(negative);
    json_decref(text);
}
