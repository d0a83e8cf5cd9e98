/* SPDX-License-Identifier: MIT */
#include "proxy/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/base/printable.h"
#include "lib/base/utc.h"
#include "lib/log/json_line.h"

#define DETAIL_MAX 512
#define PEER_MAX   256
#define TIME_SIZE  (UTC_TEXT_SIZE + sizeof(".000") - 1)

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
    size_t seconds;

    gettimeofday(&now, NULL);
    utc_text(now.tv_sec, text);
    seconds = strcspn(text, "Z");
    snprintf(text + seconds, TIME_SIZE - seconds, ".%03uZ", (unsigned)(now.tv_usec / 1000) % 1000);
}

static void put_text(const struct log_source *source, const char *event, const char *reason,
                     const char *detail)
{
    char line[DETAIL_MAX + 2 * PEER_MAX], who[PEER_MAX + 32] = "";

    if (source->connection)
        snprintf(who, sizeof(who), "connection %u (%s): ", source->connection, source->peer);
    else if (source->peer)
        snprintf(who, sizeof(who), "%s: ", source->peer);
    snprintf(line, sizeof(line), "proxy: %s%s%s%s%s%s", who, event, reason ? ": " : "",
             reason ? reason : "", *detail ? ": " : "", detail);
    json_line_put_text(line);
}

static void put_json(enum log_level level, const struct log_source *source, const char *event,
                     const char *reason, const char *detail)
{
    json_t *number = source->connection ? json_integer(source->connection) : NULL, *entry;
    char now[TIME_SIZE];

    format_time(now);
    entry = json_pack("{s:s, s:s, s:o*, s:s*, s:s, s:s*, s:s*}", "time", now, "level",
                      levels[level], "connection", number, "peer", source->peer, "event", event,
                      "reason", reason, "detail", *detail ? detail : NULL);
    json_line_put(entry, event);
    json_decref(entry);
}

void log_line(enum log_level level, const struct log_source *source, const char *event,
              const char *reason, const char *format, ...)
{
    char detail[DETAIL_MAX] = "", peer[PEER_MAX];
    struct log_source shown = source ? *source : (struct log_source){0};
    va_list arguments;

    if (shown.peer)
        shown.peer = printable_write(shown.peer, strlen(shown.peer), peer, sizeof(peer));

    if (format) {
        va_start(arguments, format);
        vsnprintf(detail, sizeof(detail), format, arguments);
        va_end(arguments);
        make_printable(detail);
    }
    if (as_text)
        put_text(&shown, event, reason, detail);
    else
        put_json(level, &shown, event, reason, detail);
}
