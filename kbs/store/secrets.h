/* SPDX-License-Identifier: MIT */
/* Secrets by path, "repository/type/tag", each under a policy. */
#ifndef SNPVTPM_KBS_STORE_SECRETS_H
#define SNPVTPM_KBS_STORE_SECRETS_H

#include "kbs/store/store.h"

#define SECRET_PATH_MAX 191   /* characters */
#define SECRET_SIZE_MAX 65536 /* bytes */

struct secret {
    char path[SECRET_PATH_MAX + 1];
    char policy[STORE_NAME_MAX + 1];
    unsigned version; /* 1, and one more each time that something is put at the path */
    size_t size;
    time_t updated;
};

/* Three segments of [A-Za-z0-9_-][A-Za-z0-9_.-]*. */
MUST_CHECK bool secret_is_path(const char *text);

/* Adds a secret of 1 to SECRET_SIZE_MAX bytes; with replace, overwrites the one at that path, or
 * follows one that was retired: STORE_EXISTS, STORE_RETIRED without. STORE_NOT_FOUND when there is
 * no such policy. */
MUST_CHECK enum store_status secret_put(struct store_unit *unit, const char *path,
                                        const char *policy, const void *bytes, size_t size,
                                        bool replace, time_t now);

MUST_CHECK enum store_status secret_info(struct store_unit *unit, const char *path,
                                         struct secret *secret);

/* The secret in the clear; the caller wipes and frees it. */
MUST_CHECK enum store_status secret_fetch(struct store_unit *unit, const char *path,
                                          uint8_t **bytes, size_t *size);

/* Removes it; its bytes are overwritten. */
MUST_CHECK enum store_status secret_retire(struct store_unit *unit, const char *path, time_t now);

MUST_CHECK enum store_status secret_each(struct store_unit *unit,
                                         void (*visit)(void *context, const struct secret *secret),
                                         void *context);

#endif
