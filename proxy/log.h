/* SPDX-License-Identifier: MIT */
/*
 * The host's log, on stderr: one JSON object a line for machines, or plain text for a terminal. It
 * names who spoke, what happened and why; never what was said.
 */
#ifndef SNPVTPM_PROXY_LOG_H
#define SNPVTPM_PROXY_LOG_H

enum log_format {
    LOG_AUTOMATIC, /* text if stderr is a terminal, else JSON */
    LOG_JSON,
    LOG_TEXT,
};

enum log_level {
    LOG_ERROR,   /* somebody has to do something */
    LOG_WARNING, /* a VM, or the KBS, did not do what it should */
    LOG_INFO,
};

/* Whom a line is about. */
struct log_source {
    unsigned connection; /* its number; 0: none */
    const char *peer;    /* such as "vsock cid 42"; NULL: nobody */
};

/* To be called, if at all, before there are threads. */
void log_open(enum log_format format);

/*
 * Writes {"time","level","connection","peer","event","reason","detail"}. source, reason and format
 * (of the detail) may be NULL; what is not printable ASCII becomes '?' in the detail, and
 * "\xNN" in the peer's name (printable.h).
 */
__attribute__((format(printf, 5, 6))) void log_line(enum log_level level,
                                                    const struct log_source *source,
                                                    const char *event, const char *reason,
                                                    const char *format, ...);

#endif
