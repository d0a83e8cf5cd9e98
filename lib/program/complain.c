/* SPDX-License-Identifier: MIT */
#include "lib/program/complain.h"

#include <stdarg.h>
#include <stdio.h>

int complain(int status, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "%s: ", program_name);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return status;
}
