/* SPDX-License-Identifier: MIT */
/* A client of AMD's Key Distribution Service (57230), or of a mirror of it. */
#ifndef SNPVTPM_KBS_COLLATERAL_KDS_H
#define SNPVTPM_KBS_COLLATERAL_KDS_H

#include <stdbool.h>
#include <time.h>

#include "kbs/collateral/item.h"
#include "kbs/collateral/status.h"
#include "lib/base/must_check.h"

struct kds;

/* Whether url may be asked: https, or http to this machine itself; no query, no final slash. */
MUST_CHECK bool kds_url_is_acceptable(const char *url);

/* url as of kds_url_is_acceptable(), borrowed; NULL without memory. Thread-safe. */
MUST_CHECK struct kds *kds_new(const char *url, long timeout_s);

void kds_free(struct kds *kds);

/*
 * Fetches an item. After a failure, and for as long as the service asks (429), it is left alone:
 * then COLLATERAL_BACKING_OFF, without any traffic.
 */
MUST_CHECK enum collateral_status kds_fetch(struct kds *kds, const struct item *item, time_t now,
                                            struct item_value *value);

#endif
