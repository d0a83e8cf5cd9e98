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
};

/* 8N1 at the highest rate, FIFOs on, no interrupts. */
void uart_init(struct uart *uart, uint16_t port);

/* FIFOs on: a guest's kernel that looks for UARTs leaves this one without. */
void uart_restore(struct uart *uart);

/*
 * Has the UART tell whether many bytes have arrived, so that uart_read() takes them at once. That
 * is the identification of its interrupt, which must be enabled for it; so it is off when the guest
 * runs, to whom the interrupt would go.
 */
void uart_set_levels(struct uart *uart, bool on);

/* Sends all bytes; STATUS_TIMEOUT when the transmitter does not drain. */
MUST_CHECK enum status uart_write(struct uart *uart, const void *bytes, size_t size);

/* Reads what has arrived, at most size bytes; 0 when nothing has. */
MUST_CHECK enum status uart_read(struct uart *uart, void *bytes, size_t size, size_t *got);

/* Whether uart_read() would give something. */
MUST_CHECK enum status uart_has_data(struct uart *uart, bool *has_data);

#endif
