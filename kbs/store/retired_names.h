/* SPDX-License-Identifier: MIT */
/*
 * Names of policies and paths of secrets that were removed: whoever puts something there again has
 * to mean it, and a secret's versions go on, so that a wrapped one of before cannot pass for it.
 * Private to the store. (Images, volumes and tokens stay listed with their names.)
 */
#ifndef SNPVTPM_KBS_STORE_RETIRED_NAMES_H
#define SNPVTPM_KBS_STORE_RETIRED_NAMES_H

#include "kbs/store/db.h"

enum retired_kind {
    RETIRED_POLICY = 1,
    RETIRED_SECRET,
};

/* Remembers that what had this name, in this version, is gone. */
MUST_CHECK enum store_status retired_name_add(struct store_unit *unit, enum retired_kind kind,
                                              const char *name, unsigned version, time_t now);

/* The version that was retired: STORE_NOT_FOUND when none was. */
MUST_CHECK enum store_status retired_name_find(struct store_unit *unit, enum retired_kind kind,
                                               const char *name, unsigned *version);

/* Forgets it, if it is there: something has the name again. */
MUST_CHECK enum store_status retired_name_forget(struct store_unit *unit, enum retired_kind kind,
                                                 const char *name);

#endif
