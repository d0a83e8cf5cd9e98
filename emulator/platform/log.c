/* SPDX-License-Identifier: MIT */
#include <stdarg.h>

#include "emulator/platform/cpus.h"
#include "lib/freestanding/format.h"

#define LINE_MAX           256
#define DEBUG_CONSOLE_PORT 0x403

bool host_trace;

/* For whole lines. The last one, of die(), keeps it. */
static bool busy;

static void take_log(void)
{
    while (__atomic_exchange_n(&busy, true, __ATOMIC_ACQUIRE))
        __asm__ volatile("pause");
}

static void put_char(char c)
{
    out8(DEBUG_CONSOLE_PORT, (uint8_t)c);
}

static void put_string(const char *s)
{
    while (*s)
        put_char(*s++);
}

/* A line, cut where it does not fit, and whose it is; the first CPU's lines do not say so. */
static void put_line(const char *before, const char *format, va_list args)
{
    char line[LINE_MAX];
    size_t size = format_text(line, sizeof(line), format, args);

    put_string(before);
    if (host_cpu_index()) {
        put_string("CPU");
        put_char((char)('0' + host_cpu_index()));
        put_char(' ');
    }
    for (size_t i = 0; i < size; i++)
        put_char(line[i]);
    put_char('\n');
}

void log_line(const char *format, ...)
{
    va_list args;

    take_log();
    va_start(args, format);
    put_line("", format, args);
    va_end(args);
    __atomic_store_n(&busy, false, __ATOMIC_RELEASE);
}

_Noreturn void die(enum host_exit why, const char *format, ...)
{
    va_list args;

    take_log();
    va_start(args, format);
    put_line("fatal: ", format, args);
    va_end(args);
    host_exit(why);
}
