/* SPDX-License-Identifier: MIT */
/* A byte stream to one VM: a socket, or a serial device. */
#ifndef SNPVTPM_PROXY_LINE_H
#define SNPVTPM_PROXY_LINE_H

#include <stdbool.h>

#include "lib/base/must_check.h"

#define NO_LIMIT (-1)

struct line {
    int fd;   /* does not block */
    int stop; /* becomes readable when the service is to end; -1: is not looked at */
};

enum line_event {
    LINE_READY,
    LINE_QUIET,   /* nothing happened in time */
    LINE_STOPPED, /* the service is to end */
};

/* Waits until the line can be read (POLLIN) or written (POLLOUT); an end or an error counts too. */
MUST_CHECK enum line_event line_wait(const struct line *line, short what, int timeout_ms);

/* Sleeps, and wakes early when stop (-1: nothing) becomes readable; true when it slept to the end.
 */
bool line_pause(int stop, int timeout_ms);

#endif
