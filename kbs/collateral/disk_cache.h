/* SPDX-License-Identifier: MIT */
/*
 * What was fetched, on disk: a file of PEM for each certificate and CRL, with its SHA-256 in the
 * first line. A file that is not as it was written counts as missing.
 */
#ifndef SNPVTPM_KBS_COLLATERAL_DISK_CACHE_H
#define SNPVTPM_KBS_COLLATERAL_DISK_CACHE_H

#include <time.h>

#include "kbs/collateral/item.h"

/* Makes the directory if it is missing, for its owner alone; false with errno. */
MUST_CHECK bool disk_cache_prepare(const char *directory);

/* What is stored of an item, and since when; false when nothing is. */
MUST_CHECK bool disk_cache_load(const char *directory, const struct item *item,
                                struct item_value *value, time_t *since);

/* Stores an item so that a power cut leaves the old file or the new one. What cannot be stored is
 * fetched again another time: false is only worth a note. */
MUST_CHECK bool disk_cache_store(const char *directory, const struct item *item,
                                 struct item_value *value);

#endif
