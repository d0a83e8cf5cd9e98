/* SPDX-License-Identifier: MIT */
#include "svsm/console/uart.h"

#include "svsm/sev/ghcb_calls.h"

/* Registers, from the base port. */
enum uart_register {
    UART_DATA = 0,
    UART_DIVISOR_LOW = 0, /* while the latch is open */
    UART_INTERRUPT_ENABLE = 1,
    UART_DIVISOR_HIGH = 1, /* likewise */
    UART_FIFO_CONTROL = 2,
    UART_INTERRUPT_ID = 2, /* when it is read */
    UART_LINE_CONTROL = 3,
    UART_MODEM_CONTROL = 4,
    UART_LINE_STATUS = 5,
};

#define INTERRUPT_RECEIVED    0x01
#define FIFO_ENABLE           0xC1 /* the receiver has an interrupt from FIFO_LEVEL bytes on */
#define FIFO_CLEAR            0x06
#define FIFO_LEVEL            14
#define ID_MASK               0xCF
#define ID_FIFO_LEVEL         0xC4 /* FIFOs are on, and FIFO_LEVEL bytes have arrived */
#define LINE_DIVISOR_LATCH    0x80
#define LINE_8N1              0x03
#define MODEM_DTR_RTS         0x03
#define STATUS_DATA_READY     (1u << 0)
#define STATUS_TRANSMIT_EMPTY (1u << 5)
#define STATUS_NO_UART        0xFF /* an absent device reads as all ones */

/* Rates, as divisors of 115200 baud. */
#define RATE_HIGHEST 1
#define RATE_300     384

#define FIFO_BYTES 16
/* Each poll is an exit to the host: this is seconds, far more than 16 bytes take. */
#define POLLS_MAX 1000000

static enum status write_register(struct uart *uart, enum uart_register reg, uint8_t value)
{
    return ghcb_io_out(ghcb_own(), (uint16_t)(uart->port + reg), 1, value);
}

static enum status read_register(struct uart *uart, enum uart_register reg, uint8_t *value)
{
    uint32_t word = 0;
    enum status status = ghcb_io_in(ghcb_own(), (uint16_t)(uart->port + reg), 1, &word);

    *value = (uint8_t)word;
    return status;
}

/* A host that refuses has no such device; the first read or write of data will notice. */
static void set(struct uart *uart, enum uart_register reg, uint8_t value)
{
    if (write_register(uart, reg, value) != STATUS_OK)
        return;
}

static void set_rate(struct uart *uart, uint16_t divisor, uint8_t interrupts)
{
    set(uart, UART_INTERRUPT_ENABLE, 0);
    set(uart, UART_LINE_CONTROL, LINE_DIVISOR_LATCH);
    set(uart, UART_DIVISOR_LOW, (uint8_t)divisor);
    set(uart, UART_DIVISOR_HIGH, (uint8_t)(divisor >> 8));
    set(uart, UART_LINE_CONTROL, LINE_8N1);
    set(uart, UART_INTERRUPT_ENABLE, interrupts);
}

void uart_init(struct uart *uart, uint16_t port)
{
    *uart = (struct uart){.port = port};
    set_rate(uart, RATE_HIGHEST, 0);
    set(uart, UART_FIFO_CONTROL, FIFO_ENABLE | FIFO_CLEAR);
    set(uart, UART_MODEM_CONTROL, MODEM_DTR_RTS);
}

void uart_restore(struct uart *uart)
{
    set(uart, UART_FIFO_CONTROL, FIFO_ENABLE);
}

static enum status wait_for_transmitter(struct uart *uart)
{
    for (unsigned polls = 0; polls < POLLS_MAX; polls++) {
        uint8_t line;
        enum status status = read_register(uart, UART_LINE_STATUS, &line);

        if (status != STATUS_OK)
            return status;
        if (line & STATUS_TRANSMIT_EMPTY)
            return STATUS_OK;
    }
    return STATUS_TIMEOUT;
}

/* A whole FIFO for each time that it is empty: two exits for 16 bytes. */
enum status uart_write(struct uart *uart, const void *bytes, size_t size)
{
    const uint8_t *next = bytes;
    enum status status = STATUS_OK;

    while (size > 0 && status == STATUS_OK) {
        size_t part = size < FIFO_BYTES ? size : FIFO_BYTES;

        status = wait_for_transmitter(uart);
        if (status == STATUS_OK)
            status = ghcb_io_out_bytes(ghcb_own(), (uint16_t)(uart->port + UART_DATA), next, part);
        next += part;
        size -= part;
    }
    return status;
}

enum status uart_has_data(struct uart *uart, bool *has_data)
{
    uint8_t line;
    enum status status = read_register(uart, UART_LINE_STATUS, &line);

    *has_data = status == STATUS_OK && line != STATUS_NO_UART && (line & STATUS_DATA_READY);
    return status;
}

/*
 * Has the UART tell whether many bytes have arrived: by the identification of its interrupt, which
 * must be enabled for that. Below the level, it has another one once nothing came or was taken for
 * as long as four characters last, and QEMU's keeps to that one when more arrives. So the line is
 * slow: an eighth of a second. What QEMU's UART carries is as fast as the host at any rate.
 */
static void tell_levels(struct uart *uart)
{
    if (uart->tells_levels)
        return;
    set_rate(uart, RATE_300, INTERRUPT_RECEIVED);
    uart->tells_levels = true;
}

void uart_quiet(struct uart *uart)
{
    if (!uart->tells_levels)
        return;
    set_rate(uart, RATE_HIGHEST, 0);
    uart->tells_levels = false;
}

static enum status level_is_reached(struct uart *uart, bool *reached)
{
    uint8_t id;
    enum status status = read_register(uart, UART_INTERRUPT_ID, &id);

    *reached = status == STATUS_OK && (id & ID_MASK) == ID_FIFO_LEVEL;
    return status;
}

/* FIFO_LEVEL bytes in three exits; of fewer each costs two or three. */
enum status uart_read(struct uart *uart, void *bytes, size_t size, size_t *got)
{
    uint8_t *next = bytes;

    for (*got = 0; *got < size;) {
        bool room = size - *got >= FIFO_LEVEL;
        bool has_data, many = false;
        enum status status = uart_has_data(uart, &has_data);

        if (status != STATUS_OK || !has_data)
            return status;
        if (room) {
            tell_levels(uart);
            status = level_is_reached(uart, &many);
        }
        if (status == STATUS_OK && many)
            status = ghcb_io_in_bytes(ghcb_own(), (uint16_t)(uart->port + UART_DATA), &next[*got],
                                      FIFO_LEVEL);
        else if (status == STATUS_OK)
            status = read_register(uart, UART_DATA, &next[*got]);
        if (status != STATUS_OK)
            return status;
        *got += many ? FIFO_LEVEL : 1;
    }
    return STATUS_OK;
}
