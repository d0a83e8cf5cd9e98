/* SPDX-License-Identifier: MIT */
#include "proxy/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#define DETAIL_MAX 512
#define TIME_SIZE  sizeof("2000-01-01T00:00:00.000Z")

static bool as_text;

static const char *const levels[] = {
    [LOG_ERROR] = "error",
    [LOG_WARNING] = "warning",
    [LOG_INFO] = "info",
};

void log_open(enum log_format format)
{
    as_text = format == LOG_TEXT || (format == LOG_AUTOMATIC && isatty(STDERR_FILENO));
}

/* No line of ours can be broken or coloured by a name that somebody else chose. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

static void format_time(char text[TIME_SIZE])
{
    struct timeval now;
    struct tm utc;
    size_t length;

    gettimeofday(&now, NULL);
    gmtime_r(&now.tv_sec, &utc);
    length = strftime(text, TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + length, TIME_SIZE - length, ".%03uZ", (unsigned)(now.tv_usec / 1000) % 1000);
}

/* A line is one write(), so that those of several threads do not mix. */
static void put_line(char *line, size_t length)
{
    line[length] = '\n';
    (void)!write(STDERR_FILENO, line, length + 1);
}

static void put_text(const struct log_source *source, const char *event, const char *reason,
                     const char *detail)
{
    char line[DETAIL_MAX + 512], who[256] = "";
    int length;

    if (source && source->connection)
        snprintf(who, sizeof(who), "connection %u (%s): ", source->connection, source->peer);
    else if (source && source->peer)
        snprintf(who, sizeof(who), "%s: ", source->peer);
    length = snprintf(line, sizeof(line) - 1, "proxy: %s%s%s%s%s%s", who, event, reason ? ": " : "",
                      reason ? reason : "", *detail ? ": " : "", detail);
    put_line(line, (size_t)length < sizeof(line) - 1 ? (size_t)length : sizeof(line) - 2);
}

static void put_json(enum log_level level, const struct log_source *source, const char *event,
                     const char *reason, const char *detail)
{
    const char *peer = source ? source->peer : NULL;
    json_t *number = source && source->connection ? json_integer(source->connection) : NULL, *entry;
    char now[TIME_SIZE], *line;

    format_time(now);
    entry = json_pack("{s:s, s:s, s:o*, s:s*, s:s, s:s*, s:s*}", "time", now, "level",
                      levels[level], "connection", number, "peer", peer, "event", event, "reason",
                      reason, "detail", *detail ? detail : NULL);
    line = json_dumps(entry, JSON_COMPACT);
    if (line)
        put_line(line, strlen(line)); /* in place of its NUL */
    free(line);
    json_decref(entry);
}

void log_line(enum log_level level, const struct log_source *source, const char *event,
              const char *reason, const char *format, ...)
{
    char detail[DETAIL_MAX] = "";
    va_list arguments;

    if (format) {
        va_start(arguments, format);
        vsnprintf(detail, sizeof(detail), format, arguments);
        va_end(arguments);
        make_printable(detail);
    }
    if (as_text)
        put_text(source, event, reason, detail);
    else
        put_json(level, source, event, reason, detail);
}
