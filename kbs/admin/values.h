/* SPDX-License-Identifier: MIT */
/* Times as the admin API, its page and kbsctl write them. */
#ifndef SNPVTPM_KBS_ADMIN_VALUES_H
#define SNPVTPM_KBS_ADMIN_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/must_check.h"

#define TIME_TEXT_SIZE sizeof("2026-01-01T00:00:00Z")

/* In UTC, RFC 3339; empty for 0 and for years that have not four digits. */
void values_time(time_t time, char text[TIME_TEXT_SIZE]);

#endif
