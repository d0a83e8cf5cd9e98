/* SPDX-License-Identifier: MIT */
/* Values of the admin API's JSON. Inside kbs/admin only. */
#ifndef SNPVTPM_KBS_ADMIN_JSON_VALUES_H
#define SNPVTPM_KBS_ADMIN_JSON_VALUES_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <jansson.h>

#include "kbs/json_hex.h"

/* RFC 3339 in UTC; null for 0. */
json_t *json_time(time_t time);

#endif
