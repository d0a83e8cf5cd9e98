/* SPDX-License-Identifier: MIT */
#include "igvm/tool.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum tool_status complain(enum tool_status status, const char *format, ...)
{
    va_list arguments;

    fputs("igvm: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return status;
}

enum tool_status complain_no_memory(void)
{
    return complain(TOOL_FILE, "out of memory");
}

/* The power of two that a suffix stands for; -1 if it is none. */
static int suffix_shift(const char *suffix)
{
    if (suffix[0] == '\0')
        return 0;
    if (suffix[1] != '\0')
        return -1;
    switch (suffix[0]) {
    case 'K':
        return 10;
    case 'M':
        return 20;
    case 'G':
        return 30;
    default:
        return -1;
    }
}

enum tool_status parse_number(const char *option, const char *text, uint64_t max, uint64_t *out)
{
    bool hexadecimal = strncmp(text, "0x", 2) == 0;
    char *end;
    uint64_t number;
    int shift;

    errno = 0;
    number = strtoull(text, &end, hexadecimal ? 16 : 10);
    shift = suffix_shift(end);
    /* strtoull() would take leading space and signs. */
    if (!isdigit((unsigned char)text[0]) || shift < 0)
        return complain(TOOL_USAGE, "--%s %s: not a number; write 123, 0x7b or 32M", option, text);
    if (errno == ERANGE || number > max >> shift)
        return complain(TOOL_USAGE, "--%s %s: too large, at most 0x%llx", option, text,
                        (unsigned long long)max);
    *out = number << shift;
    return TOOL_OK;
}
