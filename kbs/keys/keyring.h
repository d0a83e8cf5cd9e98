/* SPDX-License-Identifier: MIT */
/*
 * The KBS's own signing keys at hand: all of the store's that are not retired, unwrapped and kept
 * in memory. A key that another server added or retired is noticed within KEYRING_REFRESH seconds;
 * whether what a key signed may still get something is for the store to say (signing_key_serves).
 */
#ifndef SNPVTPM_KBS_KEYS_KEYRING_H
#define SNPVTPM_KBS_KEYS_KEYRING_H

#include <stdint.h>

#include <openssl/types.h>

#include "kbs/store/signing_keys.h"
#include "lib/base/must_check.h"

#define KEYRING_REFRESH 10 /* seconds */

struct keyring;

/* Loads the keys; NULL when the store does not give them (*status says why). Thread-safe. */
MUST_CHECK struct keyring *keyring_open(struct store *store, enum store_status *status);

void keyring_close(struct keyring *keyring);

/* The active key of a use and its id; a reference that the caller frees. NULL when there is none.
 */
MUST_CHECK EVP_PKEY *keyring_active(struct keyring *keyring, enum signing_key_use use,
                                    uint8_t id[SIGNING_KEY_ID_SIZE]);

/* The key with this id, while it is not retired; likewise. */
MUST_CHECK EVP_PKEY *keyring_find(struct keyring *keyring, enum signing_key_use use,
                                  const uint8_t id[SIGNING_KEY_ID_SIZE]);

/* Calls visit for each key of a use that is not retired, the active one first. It must not use the
 * keyring. */
void keyring_each(struct keyring *keyring, enum signing_key_use use,
                  void (*visit)(void *context, const uint8_t id[SIGNING_KEY_ID_SIZE],
                                EVP_PKEY *key),
                  void *context);

/* Reads the store again at the next use: after a change by this process. */
void keyring_invalidate(struct keyring *keyring);

/* The key with this id as the unit of work finds it, to be freed; STORE_RETIRED when it was
 * destroyed. */
MUST_CHECK enum store_status keyring_load(struct store_unit *unit,
                                          const uint8_t id[SIGNING_KEY_ID_SIZE], EVP_PKEY **key);

/* Makes a key of that use, adds it to the store as part of unit, and tells its id. */
MUST_CHECK enum store_status keyring_generate(struct store_unit *unit, enum signing_key_use use,
                                              time_t now, uint8_t id[SIGNING_KEY_ID_SIZE]);

#endif
