/* SPDX-License-Identifier: MIT */
/* What the emulated platform is, where policies and reports ask. */
#ifndef SNPVTPM_EMULATOR_AMD_SP_PLATFORM_H
#define SNPVTPM_EMULATOR_AMD_SP_PLATFORM_H

#include <stdint.h>

/* Version of the firmware ABI that is emulated (56860). */
#define PLATFORM_API_MAJOR 1
#define PLATFORM_API_MINOR 55
#define PLATFORM_BUILD     0

/* PLATFORM_INFO of reports. SMT is on, as on most machines; no memory is really encrypted. */
#define PLATFORM_INFO_SMT_EN   (1ull << 0)
#define EMULATED_PLATFORM_INFO PLATFORM_INFO_SMT_EN

#endif
