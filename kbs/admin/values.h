/* SPDX-License-Identifier: MIT */
/* Times, hexadecimal numbers and volume ids as the admin API, its page and kbsctl write them. */
#ifndef SNPVTPM_KBS_ADMIN_VALUES_H
#define SNPVTPM_KBS_ADMIN_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/must_check.h"

#define TIME_TEXT_SIZE     sizeof("2026-01-01T00:00:00Z")
#define VOLUME_ID_BYTES    16
#define VOLUME_ID_TEXT_LEN 36 /* characters of 8-4-4-4-12 digits */

/* In UTC, RFC 3339; empty for 0 and for years that have not four digits. */
void values_time(time_t time, char text[TIME_TEXT_SIZE]);

/* Lower-case digits and a NUL: text has room for 2 * size + 1. */
void values_hex(const uint8_t *bytes, size_t size, char *text);

/* Exactly 2 * size digits, of either case. */
MUST_CHECK bool values_parse_hex(const char *text, uint8_t *bytes, size_t size);

void values_volume_id(const uint8_t id[VOLUME_ID_BYTES], char text[VOLUME_ID_TEXT_LEN + 1]);

/* A UUID's 8-4-4-4-12 digits, of either case; the bytes are in the order of the text. */
MUST_CHECK bool values_parse_volume_id(const char *text, uint8_t id[VOLUME_ID_BYTES]);

#endif
