/* SPDX-License-Identifier: MIT */
#include "svsm/console/log.h"

#include <stdbool.h>

#include "lib/freestanding/format.h"
#include "lib/freestanding/string.h"
#include "svsm/arch/cpu.h"
#include "svsm/arch/cpu_area.h"
#include "svsm/mm/lock.h"

#define LINE_MAX    240
#define SEIZE_TRIES 10000000 /* far longer than a line takes */

static struct uart *console; /* NULL: there is none, or it failed */
static struct lock lock = {.rank = LOCK_CONSOLE};

void log_init(struct uart *uart)
{
    console = uart;
    lock.taken = 0;
}

void log_seize(void)
{
    for (unsigned tries = 0; tries < SEIZE_TRIES && __atomic_load_n(&lock.taken, __ATOMIC_ACQUIRE);
         tries++)
        cpu_pause();
    cpu_local()->locks = 0;
    __atomic_store_n(&lock.taken, 0, __ATOMIC_RELEASE);
}

/* A console that does not take the text loses it: the host's choice, and nothing depends on it. */
static void emit(const char *text, size_t size)
{
    lock_take(&lock);
    if (console && uart_write(console, text, size) != STATUS_OK)
        console = NULL;
    lock_release(&lock);
}

static void emit_line(const char *level, const char *text, size_t size)
{
    char line[LINE_MAX + 40];
    size_t used = 0;

    for (const char *part = "svsm: ["; *part != '\0'; part++)
        line[used++] = *part;
    for (const char *part = level; *part != '\0' && used < 30; part++)
        line[used++] = *part;
    line[used++] = ']';
    line[used++] = ' ';
    memcpy(line + used, text, size);
    used += size;
    line[used++] = '\r';
    line[used++] = '\n';
    emit(line, used);
}

void log_line(const char *level, const char *format, va_list arguments)
{
    char text[LINE_MAX];
    size_t size = format_text(text, sizeof(text), format, arguments);

    emit_line(level, text, size);
}

#define LOG_LEVEL(name, level)                                                                     \
    void name(const char *format, ...)                                                             \
    {                                                                                              \
        va_list arguments;                                                                         \
                                                                                                   \
        va_start(arguments, format);                                                               \
        log_line(level, format, arguments);                                                        \
        va_end(arguments);                                                                         \
    }

LOG_LEVEL(log_info, "info")
LOG_LEVEL(log_warning, "warning")
LOG_LEVEL(log_error, "error")

void log_service(const char *name, const char *text, size_t size)
{
    char line[LINE_MAX];
    size_t used = 0;

    for (size_t i = 0; i < size; i++) {
        bool printable = text[i] >= ' ' && text[i] <= '~';

        if (printable)
            line[used++] = text[i];
        if (used > 0 && (text[i] == '\n' || used == sizeof(line))) {
            emit_line(name, line, used);
            used = 0;
        }
    }
    if (used > 0)
        emit_line(name, line, used);
}
