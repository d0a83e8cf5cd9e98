/* SPDX-License-Identifier: MIT */
/* Certificates of the KBS's certificate authorities for endorsement keys, and those that they gave.
 * An authority's key is one of signing_keys.h. kbs/ca makes and uses them. */
#ifndef SNPVTPM_KBS_STORE_AUTHORITIES_H
#define SNPVTPM_KBS_STORE_AUTHORITIES_H

#include "kbs/store/signing_keys.h"
#include "kbs/store/volumes.h"
#include "lib/ek/keys.h"

#define CERTIFICATE_SERIAL_SIZE 16

/* Of CRLs (RFC 5280, 5.3.1): why a certificate is not valid any more. */
enum revocation {
    REVOKED_SUPERSEDED = 4, /* the volume has another TPM */
    REVOKED_RETIRED = 5,    /* the volume was retired */
    REVOKED_BY_OWNER = 9,
};

struct authority_entry {
    uint8_t id[SIGNING_KEY_ID_SIZE]; /* of its key */
    time_t created, retired;
    int64_t given;      /* certificates */
    const uint8_t *der; /* its own certificate; borrowed */
    size_t size;
};

struct ek_entry {
    uint8_t serial[CERTIFICATE_SERIAL_SIZE];
    uint8_t authority[SIGNING_KEY_ID_SIZE];
    uint8_t volume[VOLUME_ID_SIZE];
    uint8_t ek_digest[EK_DIGEST_SIZE]; /* names the TPM */
    enum ek_kind kind;
    time_t issued;
    const uint8_t *der; /* borrowed */
    size_t size;
};

MUST_CHECK enum store_status authority_add(struct store_unit *unit,
                                           const uint8_t id[SIGNING_KEY_ID_SIZE],
                                           const uint8_t *der, size_t size);

/* Newest first, retired ones too. */
MUST_CHECK enum store_status
authority_each(struct store_unit *unit,
               void (*visit)(void *context, const struct authority_entry *entry), void *context);

MUST_CHECK enum store_status ek_entry_add(struct store_unit *unit, const struct ek_entry *entry);

/* Those of one TPM of a volume that are not revoked, of one authority, by their kind. */
MUST_CHECK enum store_status
ek_entry_each(struct store_unit *unit, const uint8_t authority[SIGNING_KEY_ID_SIZE],
              const uint8_t volume[VOLUME_ID_SIZE], const uint8_t ek_digest[EK_DIGEST_SIZE],
              void (*visit)(void *context, const struct ek_entry *entry), void *context);

/* Whether the owner revoked certificates of this TPM: then it gets no others. */
MUST_CHECK enum store_status ek_entry_is_barred(struct store_unit *unit,
                                                const uint8_t volume[VOLUME_ID_SIZE],
                                                const uint8_t ek_digest[EK_DIGEST_SIZE],
                                                bool *barred);

/* Revokes all of a volume's that are not revoked; but those of one TPM, unless that is NULL.
 * *count may be NULL. */
MUST_CHECK enum store_status ek_entry_revoke(struct store_unit *unit,
                                             const uint8_t volume[VOLUME_ID_SIZE],
                                             const uint8_t *but_ek_digest, enum revocation reason,
                                             time_t now, uint64_t *count);

/* What an authority revoked, oldest first. */
MUST_CHECK enum store_status
ek_entry_each_revoked(struct store_unit *unit, const uint8_t authority[SIGNING_KEY_ID_SIZE],
                      void (*visit)(void *context, const uint8_t serial[CERTIFICATE_SERIAL_SIZE],
                                    time_t when, enum revocation reason),
                      void *context);

#endif
