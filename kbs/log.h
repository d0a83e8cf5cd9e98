/* SPDX-License-Identifier: MIT */
/*
 * The owner's log: a line on stderr for each event, as JSON for machines or as text for people.
 * Never hand it keys, tokens, nonces or session identifiers. Thread-safe.
 */
#ifndef SNPVTPM_KBS_LOG_H
#define SNPVTPM_KBS_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "lib/base/must_check.h"

enum log_format {
    LOG_JSON, /* {"time":"2026-01-01T00:00:00Z","event":"attest","result":"refused"} */
    LOG_TEXT, /* 2026-01-01T00:00:00Z attest result=refused */
};

/* To be called before there are other threads. LOG_JSON otherwise. */
void log_use_format(enum log_format format);

#define LOG_TEXT_MAX 640 /* characters of a text in a line */

/* Adds text, of whatever bytes, to the members of a line as a printable string (printable.h), cut
 * after LOG_TEXT_MAX characters; does nothing for NULL. False without memory: nothing else can keep
 * a text out of a line. */
MUST_CHECK bool log_add(json_t *members, const char *name, const char *text);

/* Texts with their names. */
struct log_text {
    const char *name, *text;
};

/* A line's members: count texts, as of log_add. NULL without memory. */
json_t *log_members(const struct log_text *texts, size_t count);

#define LOG_MEMBERS(...)                                                                           \
    log_members((const struct log_text[]){__VA_ARGS__},                                            \
                sizeof((const struct log_text[]){__VA_ARGS__}) / sizeof(struct log_text))

/* Writes the time, the event and the members, which are handed over:
 * log_event("reload", LOG_MEMBERS({"file", path}, {"result", "done"})). */
void log_event(const char *event, json_t *members);

/* Writes a line of the audit log, which is JSON, in the format that was chosen. */
void log_line(const char *json);

#endif
