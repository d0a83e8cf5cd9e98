/* SPDX-License-Identifier: MIT */
/*
 * DMA of QEMU's firmware configuration device (QEMU docs/specs/fw_cfg), kept from private pages.
 *
 * The device has all of the machine's memory before it. On hardware it reaches what the guest
 * shares: the RMP stops its writes to other pages, and encryption its reads.
 */
#ifndef SNPVTPM_EMULATOR_VMM_FW_CFG_DMA_H
#define SNPVTPM_EMULATOR_VMM_FW_CFG_DMA_H

#include <stdbool.h>
#include <stdint.h>

/* Its two registers: the address of a descriptor, upper half first; the lower one starts it. */
#define FW_CFG_DMA_PORT     0x514
#define FW_CFG_DMA_PORT_END 0x51B

/* For devices_init(): takes a page for the descriptor that the device gets. */
void fw_cfg_dma_init(void);

/*
 * A guest's write to the registers, of size bytes; all but 4 do nothing. A descriptor that is not
 * in shared memory starts nothing; one that names other memory gets an error in its control field.
 */
void fw_cfg_dma_write(uint16_t port, unsigned size, uint32_t value);

#endif
