/* SPDX-License-Identifier: MIT */
/* Times as the admin API, its page and kbsctl write them. */
#ifndef SNPVTPM_KBS_ADMIN_VALUES_H
#define SNPVTPM_KBS_ADMIN_VALUES_H

#include <time.h>

#include "lib/base/utc.h"

#define TIME_TEXT_SIZE UTC_TEXT_SIZE

/* In UTC, RFC 3339; empty for 0 and for years that have not four digits. */
void values_time(time_t time, char text[TIME_TEXT_SIZE]);

#endif
