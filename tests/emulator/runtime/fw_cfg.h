/* SPDX-License-Identifier: MIT */
/* QEMU's firmware configuration device, by which run-guest.sh tells the guest what to do. */
#ifndef SNPVTPM_TESTS_EMULATOR_RUNTIME_FW_CFG_H
#define SNPVTPM_TESTS_EMULATOR_RUNTIME_FW_CFG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FW_CFG_SELECT    0x510
#define FW_CFG_DATA      0x511
#define FW_CFG_SIGNATURE 0 /* item "QEMU" */

/* Reads at most size bytes of a named file; false when there is none. */
bool fw_cfg_read(const char *name, void *to, size_t size);

#endif
