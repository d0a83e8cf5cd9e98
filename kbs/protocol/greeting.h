/* SPDX-License-Identifier: MIT */
/* The body of POST /kbs/v0/auth. */
#ifndef SNPVTPM_KBS_PROTOCOL_GREETING_H
#define SNPVTPM_KBS_PROTOCOL_GREETING_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/must_check.h"

/* Whether size bytes are a greeting of protocol version 0.4.0 by an SNP guest. */
MUST_CHECK bool greeting_is_supported(const void *body, size_t size);

#endif
