/* SPDX-License-Identifier: MIT */
#include "kbs/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/printable.h"
#include "lib/base/utc.h"
#include "lib/log/json_line.h"

static enum log_format chosen = LOG_JSON;

void log_use_format(enum log_format format)
{
    chosen = format;
}

/* Whether text is of printable ASCII alone, without blanks, quotes and what else has a meaning. */
static bool is_word(const char *text)
{
    const char *c = text;

    while (*c > ' ' && *c <= '~' && !strchr("\"\\=", *c))
        c++;
    return c > text && *c == '\0';
}

/* A word stands as it is; all else as in JSON, so that each line can be taken apart again. */
static void print_value(FILE *out, const json_t *value)
{
    const char *text = json_string_value(value);

    if (text && is_word(text))
        fputs(text, out);
    else
        json_dumpf(value, out, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
}

/* Time and event first, without their names. */
static void print_text(FILE *out, json_t *line)
{
    static const char *const first[] = {"time", "event"};
    const char *name;
    json_t *value;

    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
        value = json_object_get(line, first[i]);
        fputs(i > 0 ? " " : "", out);
        if (value)
            print_value(out, value);
    }
    json_object_foreach(line, name, value)
    {
        if (strcmp(name, first[0]) == 0 || strcmp(name, first[1]) == 0)
            continue;
        fprintf(out, " %s=", name);
        print_value(out, value);
    }
}

/* The whole line is made before it is written, so that those of two threads do not mix. */
static void write_text(json_t *line, const char *otherwise)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (out && line)
        print_text(out, line);
    if (out && (fclose(out) != 0 || size == 0)) {
        free(text);
        text = NULL;
    }
    json_line_put_text(text ? text : otherwise);
    free(text);
}

bool log_add(json_t *members, const char *name, const char *text)
{
    char printable[LOG_TEXT_MAX + 1];

    return !text || json_object_set_new(members, name,
                                        json_string(printable_write(text, strlen(text), printable,
                                                                    sizeof(printable)))) == 0;
}

json_t *log_members(const struct log_text *texts, size_t count)
{
    json_t *members = json_object();
    bool added = members != NULL;

    for (size_t i = 0; i < count && added; i++)
        added = log_add(members, texts[i].name, texts[i].text);
    if (added)
        return members;
    json_decref(members);
    return NULL;
}

void log_event(const char *event, json_t *members)
{
    char when[UTC_TEXT_SIZE];
    json_t *line;

    utc_text(time(NULL), when);
    line = LOG_MEMBERS({"time", when}, {"event", event});
    if (line && members)
        json_object_update(line, members);
    if (chosen == LOG_JSON)
        json_line_put(line, event);
    else
        write_text(line, event);
    json_decref(members);
    json_decref(line);
}

void log_line(const char *json)
{
    json_t *line;

    if (chosen == LOG_JSON) {
        json_line_put_text(json);
        return;
    }
    line = json_loads(json, 0, NULL);
    write_text(line, json);
    json_decref(line);
}
