/* SPDX-License-Identifier: MIT */
/* What is known of the audit log's chain. Inside kbs/admin only. */
#ifndef SNPVTPM_KBS_ADMIN_AUDIT_JSON_H
#define SNPVTPM_KBS_ADMIN_AUDIT_JSON_H

#include <jansson.h>

#include "kbs/audit/audit_watch.h"

/* "whole", "verifying" while it was not read from its beginning yet, or "broken". */
const char *audit_state_name(const struct audit_state *state);

json_t *audit_state_json(const struct audit_state *state);

/* The number of a line in a path; 0, which no line has, for what is none. */
uint64_t audit_line_number(const char *text);

#endif
