/* SPDX-License-Identifier: MIT */
/*
 * The console: one terse line an event, "svsm: [level] text". Nothing secret is ever logged.
 * Formats: %s %c %d %u %x %lu %lx %%, with an optional width for numbers (zero-filled with 0).
 */
#ifndef SNPVTPM_SVSM_CONSOLE_LOG_H
#define SNPVTPM_SVSM_CONSOLE_LOG_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "svsm/console/uart.h"

/* From here on lines go to this UART, which stays the caller's; earlier ones are lost. */
void log_init(struct uart *uart);

void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* For panic(), which ends the VM under whatever locks: waits a while for a line to end, then takes
 * the console. */
void log_seize(void);

void log_line(const char *level, const char *format, va_list arguments);

/* A service's own words: the bytes are printed as lines under its name,
 * control characters dropped. */
void log_service(const char *name, const char *text, size_t size);

#endif
