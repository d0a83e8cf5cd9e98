/* SPDX-License-Identifier: MIT */
#include "lib/freestanding/format.h"

#include <stdbool.h>
#include <stdint.h>

struct output {
    char *next;
    size_t room;
};

static void put(struct output *out, char c)
{
    if (out->room > 0) {
        *out->next++ = c;
        out->room--;
    }
}

static void put_text(struct output *out, const char *text)
{
    while (*text != '\0')
        put(out, *text++);
}

static void put_number(struct output *out, uint64_t value, unsigned base, unsigned width, char fill)
{
    char digits[20];
    unsigned count = 0;

    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    for (; width > count; width--)
        put(out, fill);
    while (count > 0)
        put(out, digits[--count]);
}

static void put_signed(struct output *out, int64_t value, unsigned width, char fill)
{
    if (value < 0)
        put(out, '-');
    put_number(out, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, width, fill);
}

size_t format_text(char *start, size_t size, const char *format, va_list arguments)
{
    struct output out = {.next = start, .room = size};

    for (const char *f = format; *f != '\0'; f++) {
        unsigned width = 0;
        bool is_long = false;
        char fill = ' ';

        if (*f != '%') {
            put(&out, *f);
            continue;
        }
        f++;
        if (*f == '0') {
            fill = '0';
            f++;
        }
        for (; *f >= '0' && *f <= '9'; f++)
            width = width * 10 + (unsigned)(*f - '0');
        if (*f == 'l') {
            is_long = true;
            f++;
        }
        switch (*f) {
        case 's':
            put_text(&out, va_arg(arguments, const char *));
            break;
        case 'c':
            put(&out, (char)va_arg(arguments, int));
            break;
        case 'd':
            put_signed(&out, is_long ? va_arg(arguments, long) : va_arg(arguments, int), width,
                       fill);
            break;
        case 'u':
        case 'x':
            put_number(&out,
                       is_long ? va_arg(arguments, unsigned long) : va_arg(arguments, unsigned int),
                       *f == 'u' ? 10 : 16, width, fill);
            break;
        case '%':
            put(&out, '%');
            break;
        default:
            return size - out.room;
        }
    }
    return size - out.room;
}
