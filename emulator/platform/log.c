/* SPDX-License-Identifier: MIT */
#include <stdarg.h>

#include "emulator/platform/cpus.h"

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

static void put_number(uint64_t v, unsigned base, unsigned width)
{
    char digits[20];
    unsigned n = 0;

    do {
        digits[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    for (unsigned i = n; i < width; i++)
        put_char('0');
    while (n)
        put_char(digits[--n]);
}

static void put_signed(int64_t v)
{
    if (v < 0)
        put_char('-');
    put_number(v < 0 ? -(uint64_t)v : (uint64_t)v, 10, 0);
}

/* Whose line it is; the first CPU's lines do not say so. */
static void put_cpu(void)
{
    if (!host_cpu_index())
        return;
    put_string("CPU");
    put_number(host_cpu_index(), 10, 0);
    put_string(" ");
}

static void log_va(const char *format, va_list args)
{
    for (const char *p = format; *p; p++) {
        unsigned width = 0;
        bool is_long = false;

        if (*p != '%') {
            put_char(*p);
            continue;
        }
        for (p++; *p >= '0' && *p <= '9'; p++)
            width = width * 10 + (unsigned)(*p - '0');
        for (; *p == 'l'; p++)
            is_long = true;
        switch (*p) {
        case 's':
            put_string(va_arg(args, const char *));
            break;
        case 'c':
            put_char((char)va_arg(args, int));
            break;
        case 'd':
            put_signed(is_long ? va_arg(args, int64_t) : va_arg(args, int32_t));
            break;
        case 'u':
            put_number(is_long ? va_arg(args, uint64_t) : va_arg(args, uint32_t), 10, width);
            break;
        case 'x':
            put_number(is_long ? va_arg(args, uint64_t) : va_arg(args, uint32_t), 16, width);
            break;
        default:
            put_char('%');
            break;
        }
    }
    put_char('\n');
}

void log_line(const char *format, ...)
{
    va_list args;

    take_log();
    put_cpu();
    va_start(args, format);
    log_va(format, args);
    va_end(args);
    __atomic_store_n(&busy, false, __ATOMIC_RELEASE);
}

_Noreturn void die(enum host_exit why, const char *format, ...)
{
    va_list args;

    take_log();
    put_string("fatal: ");
    put_cpu();
    va_start(args, format);
    log_va(format, args);
    va_end(args);
    host_exit(why);
}
