/* SPDX-License-Identifier: MIT */
/* A polled 16550 UART behind GHCB port I/O. The host owns it and may say anything. */
#ifndef SNPVTPM_SVSM_CONSOLE_UART_H
#define SNPVTPM_SVSM_CONSOLE_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "svsm/base/status.h"
#include "svsm/sev/ghcb.h"

struct uart {
    uint16_t port;
    bool tells_levels; /* by an interrupt that is enabled */
};

/* 8N1 at the highest rate, FIFOs on, no interrupts. */
void uart_init(struct uart *uart, uint16_t port);

/* FIFOs on: a guest's kernel that looks for UARTs leaves this one without. */
void uart_restore(struct uart *uart);

/*
 * No interrupts, which uart_read() enables to learn whether many bytes have arrived. For whenever
 * the guest runs afterwards: they would go to it.
 */
void uart_quiet(struct uart *uart);

/* Sends all bytes; STATUS_TIMEOUT when the transmitter does not drain. */
MUST_CHECK enum status uart_write(struct uart *uart, const void *bytes, size_t size);

/* Reads what has arrived, at most size bytes; 0 when nothing has. */
MUST_CHECK enum status uart_read(struct uart *uart, void *bytes, size_t size, size_t *got);

/* Whether uart_read() would give something. */
MUST_CHECK enum status uart_has_data(struct uart *uart, bool *has_data);

#endif
