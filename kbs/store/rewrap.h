/* SPDX-License-Identifier: MIT */
/* A change of the master key, for all that is wrapped under it. */
#ifndef SNPVTPM_KBS_STORE_REWRAP_H
#define SNPVTPM_KBS_STORE_REWRAP_H

#include "kbs/store/store.h"

/* Wraps every secret and private key anew under the newest master key, and counts them. */
MUST_CHECK enum store_status store_rewrap(struct store_unit *unit, unsigned *count);

#endif
