/* SPDX-License-Identifier: MIT */
/* The KBS's own private keys, wrapped. kbs/keys/keyring.h uses them. */
#ifndef SNPVTPM_KBS_STORE_SIGNING_KEYS_H
#define SNPVTPM_KBS_STORE_SIGNING_KEYS_H

#include "kbs/store/store.h"
#include "lib/jose/key_id.h"

#define SIGNING_KEY_DER_MAX 512 /* bytes of a PKCS #8 PrivateKeyInfo */

enum signing_key_use {
    SIGNING_KEY_RELEASE, /* P-384: release records */
    SIGNING_KEY_TOKEN,   /* P-256: attestation tokens */
    SIGNING_KEY_AUDIT,   /* P-256: heads of the audit log */
    SIGNING_KEY_CA,      /* P-384: certificates of endorsement keys */
    SIGNING_KEY_USES,    /* how many there are */
};

struct signing_key {
    uint8_t id[SIGNING_KEY_ID_SIZE];
    enum signing_key_use use;
    time_t created;
    time_t retired; /* 0: may still be used. The newest of a use that is not retired is the active
                       one */
};

MUST_CHECK enum store_status signing_key_add(struct store_unit *unit, const struct signing_key *key,
                                             const uint8_t *der, size_t size);

/* The private key in the clear; der has room for SIGNING_KEY_DER_MAX, the caller wipes it.
 * STORE_RETIRED when it was destroyed. */
MUST_CHECK enum store_status signing_key_fetch(struct store_unit *unit,
                                               const uint8_t id[SIGNING_KEY_ID_SIZE], uint8_t *der,
                                               size_t *size);

/* Whether what this key signed for that use is still worth something: STORE_RETIRED when it was
 * destroyed, STORE_NOT_FOUND when there is no such key. */
MUST_CHECK enum store_status signing_key_serves(struct store_unit *unit, enum signing_key_use use,
                                                const uint8_t id[SIGNING_KEY_ID_SIZE]);

/* Destroys the private key. It stays listed. */
MUST_CHECK enum store_status signing_key_retire(struct store_unit *unit,
                                                const uint8_t id[SIGNING_KEY_ID_SIZE], time_t now);

/* Newest first. */
MUST_CHECK enum store_status
signing_key_each(struct store_unit *unit,
                 void (*visit)(void *context, const struct signing_key *key), void *context);

#endif
