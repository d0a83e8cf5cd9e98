/* SPDX-License-Identifier: MIT */
#include "kbs/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

static enum log_format chosen = LOG_JSON;

void log_use_format(enum log_format format)
{
    chosen = format;
}

static void timestamp(char text[sizeof("2026-01-01T00:00:00Z")])
{
    time_t now = time(NULL);
    struct tm utc;

    gmtime_r(&now, &utc);
    strftime(text, sizeof("2026-01-01T00:00:00Z"), "%FT%TZ", &utc);
}

/* A text without blanks and quotes stands as it is; all else as in JSON, so that each line can be
 * taken apart again. */
static void print_value(FILE *out, const json_t *value)
{
    const char *text = json_string_value(value);

    if (text && *text && !strpbrk(text, " \"\\=") && text[strcspn(text, "\x7f\n\r\t")] == '\0')
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
static void write_line(json_t *line, const char *otherwise)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (out && line && chosen == LOG_JSON)
        json_dumpf(line, out, JSON_COMPACT | JSON_ENSURE_ASCII);
    else if (out && line)
        print_text(out, line);
    if (out && (fclose(out) != 0 || size == 0)) {
        free(text);
        text = NULL;
    }
    fprintf(stderr, "%s\n", text ? text : otherwise);
    free(text);
}

void log_event(const char *event, const char *format, ...)
{
    char when[sizeof("2026-01-01T00:00:00Z")];
    va_list arguments;
    json_t *line, *members;

    timestamp(when);
    va_start(arguments, format);
    members = json_vpack_ex(NULL, 0, format, arguments);
    va_end(arguments);
    line = json_pack("{s:s, s:s}", "time", when, "event", event);
    if (line && members)
        json_object_update(line, members);
    write_line(line, event);
    json_decref(members);
    json_decref(line);
}

void log_line(const char *json)
{
    json_t *line;

    if (chosen == LOG_JSON) {
        fprintf(stderr, "%s\n", json);
        return;
    }
    line = json_loads(json, 0, NULL);
    write_line(line, json);
    json_decref(line);
}
