/* SPDX-License-Identifier: MIT */
/* The names of the firmware's status codes. */
#ifndef SNPVTPM_EMULATOR_AMD_SP_STATUS_TEXT_H
#define SNPVTPM_EMULATOR_AMD_SP_STATUS_TEXT_H

#include "lib/snp/guest_message.h"

const char *status_text(enum snp_status status);

#endif
