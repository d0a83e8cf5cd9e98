/* SPDX-License-Identifier: MIT */
/*
 * The owner's log: a line on stderr for each event, as JSON for machines or as text for people.
 * Never hand it keys, tokens, nonces or session identifiers. Thread-safe.
 */
#ifndef SNPVTPM_KBS_LOG_H
#define SNPVTPM_KBS_LOG_H

enum log_format {
    LOG_JSON, /* {"time":"2026-01-01T00:00:00Z","event":"attest","result":"refused"} */
    LOG_TEXT, /* 2026-01-01T00:00:00Z attest result=refused */
};

/* To be called before there are other threads. LOG_JSON otherwise. */
void log_use_format(enum log_format format);

/*
 * Writes the time, the event and the members that format and the arguments describe, in the
 * language of json_pack: log_event("attest", "{s:s}", "result", "refused").
 */
void log_event(const char *event, const char *format, ...);

/* Writes a line of the audit log, which is JSON, in the format that was chosen. */
void log_line(const char *json);

#endif
