/* SPDX-License-Identifier: MIT */
/* QEMU's firmware configuration device, by its ports (QEMU docs/specs/fw_cfg). */
#ifndef SNPVTPM_EMULATOR_PLATFORM_FW_CFG_H
#define SNPVTPM_EMULATOR_PLATFORM_FW_CFG_H

#include "emulator/platform/host.h"

/* Reads at most size bytes of a named file; what the file does not fill stays as it is. */
void fw_cfg_read(const char *name, char *to, size_t size);

/* The number of processors. */
unsigned fw_cfg_cpus(void);

#endif
