/* SPDX-License-Identifier: MIT */
#include "tests/emulator/runtime/port.h"

#include "tests/emulator/runtime/ghcb.h"

uint64_t port_request(uint16_t port, unsigned size, uint64_t direction)
{
    uint64_t width = size == 1 ? IOIO_SIZE_8 : size == 2 ? IOIO_SIZE_16 : IOIO_SIZE_32;

    return (uint64_t)port << IOIO_PORT_SHIFT | IOIO_ADDR_64 | width | direction;
}

uint32_t port_in(uint16_t port, unsigned size)
{
    ghcb_begin(SVM_EXIT_IOIO, port_request(port, size, IOIO_IN), 0);
    ghcb_exit();
    return (uint32_t)(ghcb->rax & ((1ull << 8 * size) - 1));
}

void port_out(uint16_t port, unsigned size, uint32_t value)
{
    ghcb_begin(SVM_EXIT_IOIO, port_request(port, size, 0), 0);
    GHCB_SET(rax, value);
    ghcb_exit();
}
