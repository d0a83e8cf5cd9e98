/* SPDX-License-Identifier: MIT */
/* Port I/O as a guest does it in its #VC handler: by IOIO requests through the GHCB page. */
#ifndef SNPVTPM_TESTS_EMULATOR_RUNTIME_PORT_H
#define SNPVTPM_TESTS_EMULATOR_RUNTIME_PORT_H

#include <stdint.h>

/* size: 1, 2 or 4 bytes. */
uint32_t port_in(uint16_t port, unsigned size);
void port_out(uint16_t port, unsigned size, uint32_t value);

/* The SW_EXITINFO1 of such an access; direction is IOIO_IN or 0. */
uint64_t port_request(uint16_t port, unsigned size, uint64_t direction);

#endif
