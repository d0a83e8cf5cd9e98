/* SPDX-License-Identifier: MIT */
#include "svsm/console/uart.h"

#include "svsm/sev/ghcb_calls.h"

/* Registers, from the base port. */
enum uart_register {
    UART_DATA = 0,
    UART_INTERRUPT_ENABLE = 1,
    UART_FIFO_CONTROL = 2, /* written */
    UART_INTERRUPT_ID = 2, /* read */
    UART_LINE_CONTROL = 3,
    UART_MODEM_CONTROL = 4,
    UART_LINE_STATUS = 5,
};

#define FIFO_ENABLE_AND_CLEAR 0x07
#define FIFO_TRIGGER_14       0xC0
#define INTERRUPT_ON_DATA     0x01
#define INTERRUPT_ID_MASK     0x0F
#define INTERRUPT_IS_DATA     0x04 /* the FIFO holds as much as its trigger level says */
#define LINE_DIVISOR_LATCH    0x80
#define LINE_8N1              0x03
#define MODEM_DTR_RTS         0x03
#define STATUS_DATA_READY     (1u << 0)
#define STATUS_TRANSMIT_EMPTY (1u << 5)
#define STATUS_NO_UART        0xFF /* an absent device reads as all ones */

#define FIFO_BYTES    16
#define TRIGGER_BYTES 14
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

void uart_init(struct uart *uart, uint16_t port)
{
    static const struct {
        enum uart_register reg;
        uint8_t value;
    } setup[] = {
        {UART_INTERRUPT_ENABLE, 0},
        {UART_LINE_CONTROL, LINE_DIVISOR_LATCH},
        {UART_DATA, 1},
        {UART_INTERRUPT_ENABLE, 0},
        {UART_LINE_CONTROL, LINE_8N1},
        {UART_FIFO_CONTROL, FIFO_ENABLE_AND_CLEAR | FIFO_TRIGGER_14},
        {UART_MODEM_CONTROL, MODEM_DTR_RTS},
    };

    *uart = (struct uart){.port = port};
    for (size_t i = 0; i < sizeof(setup) / sizeof(setup[0]); i++) {
        /* A host that refuses has no console; the first write will notice. */
        if (write_register(uart, setup[i].reg, setup[i].value) != STATUS_OK)
            return;
    }
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
 * How many bytes can be read at once. Only at its trigger level does the FIFO tell more than
 * whether there is one; QEMU fills it up to that level when it can.
 */
static enum status bytes_ready(struct uart *uart, size_t *ready)
{
    bool has_data = false;
    uint8_t id;
    enum status status = read_register(uart, UART_INTERRUPT_ID, &id);

    *ready = TRIGGER_BYTES;
    if (status != STATUS_OK || (id & INTERRUPT_ID_MASK) == INTERRUPT_IS_DATA)
        return status;
    status = uart_has_data(uart, &has_data);
    *ready = has_data ? 1 : 0;
    return status;
}

static enum status read_bytes(struct uart *uart, uint8_t *bytes, size_t size, size_t *got)
{
    while (*got < size) {
        size_t ready;
        enum status status = bytes_ready(uart, &ready);

        if (status != STATUS_OK || !ready)
            return status;
        if (ready > size - *got)
            ready = size - *got;
        status =
            ghcb_io_in_bytes(ghcb_own(), (uint16_t)(uart->port + UART_DATA), bytes + *got, ready);
        if (status != STATUS_OK)
            return status;
        *got += ready;
    }
    return STATUS_OK;
}

/* The interrupt is enabled for its identification alone, and while somebody looks at that. */
enum status uart_read(struct uart *uart, void *bytes, size_t size, size_t *got)
{
    bool has_data;
    enum status status = uart_has_data(uart, &has_data);

    *got = 0;
    if (status != STATUS_OK || !has_data)
        return status;
    status = write_register(uart, UART_INTERRUPT_ENABLE, INTERRUPT_ON_DATA);
    if (status == STATUS_OK)
        status = read_bytes(uart, bytes, size, got);
    if (status == STATUS_OK)
        status = write_register(uart, UART_INTERRUPT_ENABLE, 0);
    return status;
}
