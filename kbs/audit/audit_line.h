/* SPDX-License-Identifier: MIT */
/* Appending a line and having its text, as it is stored. Private to the audit log. */
#ifndef SNPVTPM_KBS_AUDIT_AUDIT_LINE_H
#define SNPVTPM_KBS_AUDIT_AUDIT_LINE_H

#include "kbs/audit/audit.h"

/* As audit_append; *line is the caller's to free, and NULL on failure. */
MUST_CHECK enum store_status audit_append_line(struct store_unit *unit, const char *event,
                                               json_t *members, time_t now, char **line);

#endif
