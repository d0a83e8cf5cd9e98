/* SPDX-License-Identifier: MIT */
/* Making the identity of an emulated chip (chip.h describes the files). */
#ifndef SNPVTPM_EMULATOR_AMD_SP_CHIP_MANUFACTURE_H
#define SNPVTPM_EMULATOR_AMD_SP_CHIP_MANUFACTURE_H

#include "emulator/amd-sp/chip.h"

/*
 * Makes directory (mode 0700) with a new identity in it. It appears whole or not at all: the files
 * are written beside it and renamed into place. CHIP_OK also when another process was faster, whose
 * identity then stands.
 */
MUST_CHECK enum chip_error chip_manufacture(const char *directory);

#endif
