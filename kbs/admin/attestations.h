/* SPDX-License-Identifier: MIT */
/* The newest attestations, as the audit log has them. Inside kbs/admin only. */
#ifndef SNPVTPM_KBS_ADMIN_ATTESTATIONS_H
#define SNPVTPM_KBS_ADMIN_ATTESTATIONS_H

#include <jansson.h>

#include "kbs/store/store.h"

/* Gives up to max lines of the log about attestations, newest first, as an array of objects that
 * the caller releases. Looks at no more than the last ATTESTATIONS_SCAN_MAX lines. */
MUST_CHECK enum store_status attestations_recent(struct store_unit *unit, size_t max,
                                                 json_t **attestations);

#define ATTESTATIONS_SCAN_MAX 20000

#endif
