/* SPDX-License-Identifier: MIT */
#include "kbs/cli/fail.h"

#include <stdarg.h>
#include <stdio.h>

int cli_fail(enum exit_status status, const char *format, ...)
{
    va_list arguments;

    fputs("kbsctl: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return status;
}
