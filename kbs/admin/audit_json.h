/* SPDX-License-Identifier: MIT */
/* The outcome of a check of the audit log's chain. Inside kbs/admin only. */
#ifndef SNPVTPM_KBS_ADMIN_AUDIT_JSON_H
#define SNPVTPM_KBS_ADMIN_AUDIT_JSON_H

#include <jansson.h>

#include "kbs/audit/audit.h"

json_t *audit_check_json(const struct audit_check *check);

#endif
