/* SPDX-License-Identifier: MIT */
#include "svsm/base/panic.h"

#include <stdarg.h>
#include <stdbool.h>

#include "svsm/console/log.h"
#include "svsm/sev/msr_protocol.h"
#include "svsm/sev/secrets.h"

void panic(const char *format, ...)
{
    static bool panicking;
    va_list arguments;

    if (panicking) /* the console itself failed */
        msr_protocol_terminate(TERMINATE_GENERAL);
    panicking = true;
    secrets_wipe();
    va_start(arguments, format);
    log_line("error", format, arguments);
    va_end(arguments);
    msr_protocol_terminate(TERMINATE_GENERAL);
}
