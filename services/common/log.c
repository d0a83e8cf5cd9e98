/* SPDX-License-Identifier: MIT */
#include "services/common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 240

static const char *level_prefix(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_ERROR:
        return "error: ";
    case LOG_LEVEL_WARNING:
        return "warning: ";
    case LOG_LEVEL_INFO:
        break;
    }
    return "info: ";
}

void log_line(enum log_level level, const char *format, ...)
{
    int saved_errno = errno;
    char line[LINE_MAX_BYTES];
    size_t prefix = strlen(level_prefix(level));
    va_list arguments;
    size_t length;

    memcpy(line, level_prefix(level), prefix);
    va_start(arguments, format);
    vsnprintf(line + prefix, sizeof(line) - prefix, format, arguments);
    va_end(arguments);

    /* The terminator's place is the newline's: the line goes out in one write, or in none. */
    length = strlen(line);
    line[length] = '\n';
    if (write(STDERR_FILENO, line, length + 1) < 0) {
        /* There is nowhere left to say so. */
    }
    errno = saved_errno;
}
