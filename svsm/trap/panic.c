/* SPDX-License-Identifier: MIT */
#include "svsm/base/panic.h"

#include <stdarg.h>
#include <stddef.h>

#include "svsm/arch/cpu.h"
#include "svsm/arch/cpu_area.h"
#include "svsm/console/log.h"
#include "svsm/sev/msr_protocol.h"
#include "svsm/sev/secrets.h"

/* The vCPU that ends the VM; the others stop where they come by. */
static struct cpu_local *ending;

bool panicking(void)
{
    return __atomic_load_n(&ending, __ATOMIC_ACQUIRE) != NULL;
}

void panic(const char *format, ...)
{
    struct cpu_local *none = NULL;
    va_list arguments;

    if (!__atomic_compare_exchange_n(&ending, &none, cpu_local(), false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        if (none == cpu_local()) /* the console itself failed */
            msr_protocol_terminate(TERMINATE_GENERAL);
        cpu_halt_forever();
    }
    secrets_wipe();
    log_seize();
    va_start(arguments, format);
    log_line("error", format, arguments);
    va_end(arguments);
    msr_protocol_terminate(TERMINATE_GENERAL);
}
