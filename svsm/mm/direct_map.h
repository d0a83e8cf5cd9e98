/* SPDX-License-Identifier: MIT */
/* The direct map beyond what the launch's tables cover. */
#ifndef SNPVTPM_SVSM_MM_DIRECT_MAP_H
#define SNPVTPM_SVSM_MM_DIRECT_MAP_H

#include "svsm/base/address.h"
#include "svsm/base/status.h"

/*
 * Extends the direct map to cover [0, end). Uses the page allocator; before any address space is
 * made, since those copy the root. STATUS_OUT_OF_RANGE beyond DIRECT_MAP_MAX.
 */
MUST_CHECK enum status direct_map_extend(uint64_t end);

#endif
