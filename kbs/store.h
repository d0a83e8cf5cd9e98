/* SPDX-License-Identifier: MIT */
/*
 * The registered secrets: which launch measurement gets which state key. Kept in SQLite, each
 * change durable before its function returns.
 */
#ifndef SNPVTPM_KBS_STORE_H
#define SNPVTPM_KBS_STORE_H

#include <stdint.h>
#include <time.h>

#include "lib/base/reader.h"
#include "lib/snp/report.h"

#define STATE_KEY_SIZE 64 /* AES-256-XTS: two 256-bit keys */

enum store_status {
    STORE_OK,
    STORE_NOT_FOUND,    /* no such file, or no such registration */
    STORE_EXISTS,       /* the measurement is registered already */
    STORE_EXPOSED,      /* others than the owner may read the file */
    STORE_NOT_DATABASE, /* the file is something else, or of another version */
    STORE_FAILED,       /* input or output, memory; store_reason() tells more */
};

struct store;

/*
 * Opens the database at path, and creates it (mode 0600) if wanted. *store is to be closed in any
 * case; it is NULL only without memory.
 */
MUST_CHECK enum store_status store_open(const char *path, bool create, struct store **store);

void store_close(struct store *store);

/* Why the last function failed, in words. */
const char *store_reason(const struct store *store, enum store_status status);

/* Registers secret for measurement; with replace, instead of the one registered before. */
MUST_CHECK enum store_status store_register(struct store *store,
                                            const uint8_t measurement[LAUNCH_DIGEST_SIZE],
                                            const uint8_t secret[STATE_KEY_SIZE], bool replace,
                                            time_t now);

/* Fetches the secret; the caller wipes it. */
MUST_CHECK enum store_status store_fetch(struct store *store,
                                         const uint8_t measurement[LAUNCH_DIGEST_SIZE],
                                         uint8_t secret[STATE_KEY_SIZE]);

/* Whether a secret is registered for measurement: STORE_OK or STORE_NOT_FOUND. */
MUST_CHECK enum store_status store_has(struct store *store,
                                       const uint8_t measurement[LAUNCH_DIGEST_SIZE]);

/* Calls visit for each registration, oldest first. */
MUST_CHECK enum store_status store_each(struct store *store,
                                        void (*visit)(const uint8_t measurement[LAUNCH_DIGEST_SIZE],
                                                      time_t registered));

/* Removes every registration and tells how many there were. */
MUST_CHECK enum store_status store_flush(struct store *store, unsigned *count);

#endif
