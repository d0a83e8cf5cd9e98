/* SPDX-License-Identifier: MIT */
#include "lib/jose/strict_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum bounds {
    WITHIN_BOUNDS,
    TOO_DEEP,
    TOO_MANY_VALUES,
    UNBALANCED,
};

/* Walks the text without understanding it: strings, brackets and what separates values. */
static enum bounds look_over(const char *text, size_t size)
{
    size_t depth = 0, values = 0;
    bool in_string = false;

    for (size_t i = 0; i < size; i++) {
        char c = text[i];

        if (in_string) {
            if (c == '\\')
                i++; /* whatever is escaped does not end the string */
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            values++;
            if (++depth > STRICT_JSON_DEPTH_MAX)
                return TOO_DEEP;
        } else if (c == ']' || c == '}') {
            if (depth-- == 0)
                return UNBALANCED;
        } else if (c == ',') {
            values++;
        }
    }
    return values <= STRICT_JSON_VALUES_MAX ? WITHIN_BOUNDS : TOO_MANY_VALUES;
}

static void say(struct strict_json_problem *problem, enum bounds bounds, const json_error_t *error)
{
    problem->excessive = bounds == TOO_DEEP || bounds == TOO_MANY_VALUES;
    if (bounds == TOO_DEEP)
        snprintf(problem->text, sizeof(problem->text), "nested deeper than %d",
                 STRICT_JSON_DEPTH_MAX);
    else if (bounds == TOO_MANY_VALUES)
        snprintf(problem->text, sizeof(problem->text), "more than %d values",
                 STRICT_JSON_VALUES_MAX);
    else if (bounds == UNBALANCED)
        strcpy(problem->text, "a bracket is closed that was never opened");
    else if (error->line > 0)
        snprintf(problem->text, sizeof(problem->text),
                 "line %d, column %d: not JSON, or a member twice", error->line, error->column);
    else
        strcpy(problem->text, "not a JSON object");
}

json_t *strict_json_load_or_say(const void *text, size_t size, struct strict_json_problem *problem)
{
    enum bounds bounds = look_over(text, size);
    json_error_t error = {.line = -1};
    json_t *root =
        bounds == WITHIN_BOUNDS ? json_loadb(text, size, JSON_REJECT_DUPLICATES, &error) : NULL;

    if (json_is_object(root))
        return root;
    say(problem, bounds, &error);
    json_decref(root);
    return NULL;
}

json_t *strict_json_load(const void *text, size_t size)
{
    struct strict_json_problem unsaid;

    return strict_json_load_or_say(text, size, &unsaid);
}

json_t *strict_json_load_region(struct json_region *region, const void *text, size_t size)
{
    json_t *root;

    *region = (struct json_region){0};
    if (look_over(text, size) != WITHIN_BOUNDS)
        return NULL;
    root = json_region_load(region, text, size, JSON_REJECT_DUPLICATES);
    return json_is_object(root) ? root : NULL;
}

bool strict_json_is(const json_t *value, const char *expected)
{
    return json_is_string(value) && strcmp(json_string_value(value), expected) == 0;
}

bool strict_json_decode(enum base64_variant variant, const json_t *value, void *out, size_t room,
                        size_t *size)
{
    return json_is_string(value) && base64_decode(variant, json_string_value(value),
                                                  json_string_length(value), out, room, size);
}

bool strict_json_decode_new(enum base64_variant variant, const json_t *value, uint8_t **out,
                            size_t *size)
{
    size_t room = json_string_length(value);

    *out = json_is_string(value) ? malloc(room + 1) : NULL;
    if (!*out)
        return false;
    if (strict_json_decode(variant, value, *out, room, size))
        return true;
    free(*out);
    *out = NULL;
    return false;
}

bool strict_json_bytes(const json_t *array, void *out, size_t size)
{
    uint8_t *bytes = out;

    if (!json_is_array(array) || json_array_size(array) != size)
        return false;
    for (size_t i = 0; i < size; i++) {
        const json_t *number = json_array_get(array, i);

        if (!json_is_integer(number) || json_integer_value(number) < 0 ||
            json_integer_value(number) > UINT8_MAX)
            return false;
        bytes[i] = (uint8_t)json_integer_value(number);
    }
    return true;
}

json_t *strict_json_encode(enum base64_variant variant, const void *bytes, size_t size)
{
    char *text = malloc(BASE64_LENGTH(size) + 1);
    json_t *value = NULL;

    if (text) {
        base64_encode(variant, bytes, size, text);
        value = json_string_nocheck(text); /* ASCII */
    }
    free(text);
    return value;
}
