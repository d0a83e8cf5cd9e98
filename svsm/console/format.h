/* SPDX-License-Identifier: MIT */
/* The part of printf that the console needs (which formats: log.h). */
#ifndef SNPVTPM_SVSM_CONSOLE_FORMAT_H
#define SNPVTPM_SVSM_CONSOLE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* Writes at most size bytes, without a NUL; returns the bytes written. What does not fit is cut. */
size_t format_text(char *start, size_t size, const char *format, va_list arguments);

#endif
