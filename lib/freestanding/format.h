/* SPDX-License-Identifier: MIT */
/*
 * The part of printf that the logs of SVSM, hypervisor and test guests need: %s, %c, %d, %u, %x,
 * with l, a width and leading zeros.
 */
#ifndef SNPVTPM_LIB_FREESTANDING_FORMAT_H
#define SNPVTPM_LIB_FREESTANDING_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* Writes at most size bytes, without a NUL; returns the bytes written. What does not fit is cut. */
size_t format_text(char *start, size_t size, const char *format, va_list arguments);

#endif
