/* SPDX-License-Identifier: MIT */
#include "kbs/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <jansson.h>

static void timestamp(char text[sizeof("2026-01-01T00:00:00Z")])
{
    time_t now = time(NULL);
    struct tm utc;

    gmtime_r(&now, &utc);
    strftime(text, sizeof("2026-01-01T00:00:00Z"), "%FT%TZ", &utc);
}

void log_event(const char *event, const char *format, ...)
{
    char when[sizeof("2026-01-01T00:00:00Z")];
    va_list arguments;
    json_t *line, *members;
    char *text;

    timestamp(when);
    va_start(arguments, format);
    members = json_vpack_ex(NULL, 0, format, arguments);
    va_end(arguments);
    line = json_pack("{s:s, s:s}", "time", when, "event", event);
    if (line && members)
        json_object_update(line, members);
    text = json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII);
    fprintf(stderr, "%s\n", text ? text : event);
    free(text);
    json_decref(members);
    json_decref(line);
}
