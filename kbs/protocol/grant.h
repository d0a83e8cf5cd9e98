/* SPDX-License-Identifier: MIT */
/* What an accepted attestation gives a session: all that later requests are answered from. */
#ifndef SNPVTPM_KBS_PROTOCOL_GRANT_H
#define SNPVTPM_KBS_PROTOCOL_GRANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kbs/evidence/evidence.h"
#include "kbs/store/signing_keys.h"
#include "kbs/store/stored_sessions.h"
#include "kbs/store/volumes.h"
#include "lib/base/must_check.h"
#include "lib/jose/jwk.h"
#include "lib/release/record.h"

#define GRANT_SIZE_MAX STORED_SESSION_GRANT_MAX /* bytes of an encoded grant */

/* Which client speaks, decided by its evidence. */
enum dialect {
    DIALECT_COCONUT, /* COCONUT-SVSM through its proxy */
    DIALECT_SIGNED,  /* the same, asking for a signed release record */
    DIALECT_COCO,    /* Trustee's clients */
};

/* The name for logs and tokens. */
const char *dialect_name(enum dialect dialect);

struct grant {
    enum dialect dialect;
    struct attested attested; /* genuine and bound */
    bool crl_checked;
    struct jwk key; /* the guest's */

    /* The KBS's key that vouches for it, if one does: it signed the reply's record, or the token
     * that the grant was read from. */
    bool has_signer;
    enum signing_key_use signer_use;
    uint8_t signer[SIGNING_KEY_ID_SIZE];

    /* The rest is for the first two dialects, in which a session is about one volume. */
    bool denied;  /* by the owner's rules: the reply says so, and nothing else may be had */
    bool has_key; /* the reply carries the volume's key */
    uint8_t volume[VOLUME_ID_SIZE];
    unsigned key_version;
    bool has_lease; /* the key came with this lease, and may be had as long as it is the newest */
    uint8_t lease[RELEASE_LEASE_SIZE];
    char *reply; /* JSON, the same for every request; owned */
    size_t reply_size;
};

/* Encodes to out, which has room for GRANT_SIZE_MAX. False when it is larger. */
MUST_CHECK bool grant_encode(const struct grant *grant, uint8_t *out, size_t *size);

/* False when it is none, or without memory; *grant is then empty. */
MUST_CHECK bool grant_decode(const uint8_t *bytes, size_t size, struct grant *grant);

void grant_free(struct grant *grant);

#endif
