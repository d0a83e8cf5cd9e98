/* SPDX-License-Identifier: MIT */
/* /admin/v1/volumes/NAME/evidence: the KBS's signed statement of a volume's current epoch. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "kbs/admin/json_values.h"
#include "kbs/admin/routes.h"
#include "kbs/admin/volume_answer.h"
#include "kbs/keys/keyring.h"
#include "kbs/lease/claims.h"
#include "lib/jose/jwt.h"

#define ISSUER    "snp-vtpm-kbs"
#define PURPOSE   "statement" /* no token of the KBS has this member */
#define STATEMENT "volume-epoch"
#define NONCE_MIN 8 /* characters: RFC 9711, 4.1 */
#define NONCE_MAX 88

MUST_CHECK static bool check_nonce(struct call *call, const char *nonce)
{
    size_t length = nonce ? strlen(nonce) : NONCE_MIN;
    bool plain = length >= NONCE_MIN && length <= NONCE_MAX;

    for (size_t i = 0; nonce && plain && i < length; i++)
        plain = nonce[i] > ' ' && nonce[i] <= '~';
    return plain || call_refuse(call, HTTP_BAD_REQUEST, "nonce-invalid",
                                "nonce: must be %d to %d characters of ASCII, without spaces",
                                NONCE_MIN, NONCE_MAX);
}

/* What there is to say of the volume; NULL without memory. */
static json_t *volume_claims(const struct volume_found *found, time_t now)
{
    json_t *claims = lease_claims(found->volume.id, &found->record);
    json_t *more = json_pack("{s:s, s:s, s:o, s:b, s:b}", "name", found->volume.name, "lease",
                             lease_phase_name(&found->record, &found->policy, now), "holder",
                             lease_holder_json(&found->record), "frozen", found->record.frozen,
                             "retired", found->volume.retired != 0);

    json_object_update(claims, more);
    json_decref(more);
    return claims;
}

/* The statement, which the caller frees; NULL, and the call is refused. */
MUST_CHECK static char *sign(struct call *call, const json_t *claims)
{
    uint8_t id[SIGNING_KEY_ID_SIZE];
    char kid[2 * SIGNING_KEY_ID_SIZE + 1], *statement = NULL;
    EVP_PKEY *key = keyring_active(call->kbs->keyring, SIGNING_KEY_TOKEN, id);

    if (key)
        statement = jwt_sign(key, hex_text(id, sizeof(id), kid), claims);
    if (!key)
        call_refuse(call, HTTP_CONFLICT, "key-none",
                    "there is no key that signs tokens: make one (kbsctl key rotate token)");
    else if (!statement)
        call_refuse(call, HTTP_INTERNAL, "crypto-failed", "the statement: libcrypto failed");
    EVP_PKEY_free(key);
    return statement;
}

static bool answer(struct call *call, json_t *claims)
{
    char *statement = sign(call, claims);
    bool done =
        statement && call_reply(call, HTTP_OK,
                                json_pack("{s:s, s:O}", "statement", statement, "claims", claims));

    free(statement);
    return done;
}

bool volumes_evidence(struct call *call)
{
    time_t now = call->request->now;
    const char *nonce = NULL;
    struct volume_found found;
    json_t *claims;
    bool done;

    if (!call_unpack(call, "{s?s}", "nonce", &nonce) || !check_nonce(call, nonce) ||
        !volume_find(call, &found) || !volume_has_leases(call, &found))
        return false;
    snprintf(call->detail, sizeof(call->detail), "epoch %" PRIu64 "%s%s", found.record.epoch,
             nonce ? ", nonce " : "", nonce ? nonce : "");
    claims = json_pack("{s:s, s:s, s:I, s:s*, s:o}", "iss", ISSUER, PURPOSE, STATEMENT, "iat",
                       (json_int_t)now, "eat_nonce", nonce, "volume", volume_claims(&found, now));
    done = answer(call, claims);
    json_decref(claims);
    return done;
}
