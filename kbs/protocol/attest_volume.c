/* SPDX-License-Identifier: MIT */
/* What of an attestation is about a volume: which one, and the reply with its key or a status. */
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "kbs/protocol/attestation.h"
#include "lib/base/reader.h"
#include "lib/jose/jwe_ecdh.h"
#include "lib/jose/strict_json.h"

/* Which volume */

static enum store_status find_volume(struct attestation *attestation, struct store_unit *unit)
{
    struct reader report = reader_over(attestation->sent.report, attestation->sent.report_size);
    uint8_t measurement[LAUNCH_DIGEST_SIZE];
    struct reader field;

    if (attestation->grant.dialect == DIALECT_SIGNED && attestation->asked.has_volume)
        return volume_by_id(unit, attestation->asked.volume, &attestation->volume);
    if (!reader_window(&report, &field, offsetof(struct snp_report, measurement),
                       LAUNCH_DIGEST_SIZE) ||
        !reader_copy(&field, measurement, LAUNCH_DIGEST_SIZE))
        return STORE_NOT_FOUND;
    return volume_of_measurement(unit, measurement, &attestation->volume);
}

bool attestation_pick_volume(struct attestation *attestation, struct store_unit *unit)
{
    enum store_status status = find_volume(attestation, unit);

    switch (status) {
    case STORE_OK:
        attestation->has_volume = true;
        if (attestation->volume.retired)
            attestation->volume_problem = REFUSAL_VOLUME_RETIRED;
        else if (attestation->grant.dialect == DIALECT_COCONUT &&
                 attestation->volume.release == VOLUME_RELEASE_SIGNED)
            attestation->volume_problem = REFUSAL_SIGNED_ONLY;
        return true;
    case STORE_NOT_FOUND:
        attestation->volume_problem = REFUSAL_VOLUME_UNKNOWN;
        return true;
    case STORE_AMBIGUOUS:
        attestation->volume_problem = REFUSAL_VOLUME_AMBIGUOUS;
        return true;
    default:
        return attestation_refuse(attestation, refusal_of_store(status), NULL);
    }
}

/* The reply */

/* Flattened JWE, as text: the session keeps it as it is. */
static bool keep_reply(struct attestation *attestation, const struct jwe *jwe)
{
    json_t *json =
        json_pack("{s:s, s:o, s:o, s:o, s:o}", "protected", jwe->protected, "encrypted_key",
                  strict_json_encode(BASE64_URL, jwe->wrapped_cek, sizeof(jwe->wrapped_cek)), "iv",
                  strict_json_encode(BASE64_URL, jwe->iv, sizeof(jwe->iv)), "ciphertext",
                  strict_json_encode(BASE64_URL, jwe->ciphertext, jwe->size), "tag",
                  strict_json_encode(BASE64_URL, jwe->tag, sizeof(jwe->tag)));

    attestation->grant.reply = json ? json_dumps(json, JSON_COMPACT) : NULL;
    attestation->grant.reply_size = attestation->grant.reply ? strlen(attestation->grant.reply) : 0;
    json_decref(json);
    return attestation->grant.reply != NULL;
}

static uint8_t status_of(const struct attestation *attestation)
{
    if (!attestation->grant.denied)
        return RELEASE_STATUS_OK;
    return attestation->volume_problem == REFUSAL_VOLUME_UNKNOWN ||
                   attestation->volume_problem == REFUSAL_VOLUME_AMBIGUOUS
               ? RELEASE_STATUS_UNKNOWN_VOLUME
               : RELEASE_STATUS_DENIED;
}

static bool make_record(const struct attestation *attestation, const struct jwe_fresh *fresh,
                        struct release_record *record)
{
    const struct release_request *asked = &attestation->asked;
    struct p521_point key = jwk_p521_point(&attestation->grant.key);

    *record = (struct release_record){
        .op = asked->op,
        .has_volume = attestation->has_volume || asked->has_volume,
        .status = status_of(attestation),
        .has_cek_commit = true,
        .has_key_version = attestation->has_volume && !attestation->grant.denied,
        .key_version = attestation->volume.key_version,
    };
    memcpy(record->volume, attestation->has_volume ? attestation->volume.id : asked->volume,
           VOLUME_ID_SIZE);
    memcpy(record->random, attestation->advert.random, sizeof(record->random));
    return SHA384((const uint8_t *)&attestation->grant.attested.report, REPORT_SIGNED_SIZE,
                  record->report_digest) &&
           SHA384((const uint8_t *)&key, sizeof(key), record->key_digest) &&
           release_cek_commit(fresh->cek, record->cek_commit);
}

/* The signed record as base64url; out has room for JWE_RELEASE_MAX characters and a NUL. */
static bool sign_record(const struct attestation *attestation, const struct jwe_fresh *fresh,
                        char *out)
{
    struct release_record record;
    uint8_t bytes[RELEASE_RECORD_MAX];
    size_t size;

    static_assert(BASE64_LENGTH(RELEASE_RECORD_MAX) <= JWE_RELEASE_MAX, "a record fits");
    if (!make_record(attestation, fresh, &record) ||
        !release_record_sign(attestation->signer, &record, bytes, &size))
        return false;
    base64_encode(BASE64_URL, bytes, size, out);
    return true;
}

/* Makes the reply of a payload. */
static bool reply_with(struct attestation *attestation, const uint8_t *payload, size_t size)
{
    struct p521_point to = jwk_p521_point(&attestation->grant.key);
    bool is_signed = attestation->grant.dialect == DIALECT_SIGNED;
    char record[JWE_RELEASE_MAX + 1];
    struct jwe_fresh fresh;
    struct jwe jwe;
    enum jwe_status status = JWE_CRYPTO_FAILED;

    if (!jwe_fresh_make(&fresh))
        return attestation_refuse(attestation, refusal_of(REFUSAL_MEMORY), NULL);
    if (!is_signed || sign_record(attestation, &fresh, record))
        status = jwe_encrypt_with(&fresh, &to, is_signed ? record : NULL, payload, size, &jwe);
    jwe_fresh_wipe(&fresh);
    if (status == JWE_BAD_POINT)
        return attestation_refuse(attestation, refusal_of_request(ATTEST_REQUEST_KEY_INVALID),
                                  NULL);
    return (status == JWE_OK && keep_reply(attestation, &jwe)) ||
           attestation_refuse(attestation, refusal_of(REFUSAL_MEMORY), "%s",
                              jwe_status_text(status));
}

static enum store_status fetch_key(const struct attestation *attestation,
                                   uint8_t key[STATE_KEY_SIZE])
{
    struct store_unit *unit;
    enum store_status status = store_begin_reading(attestation->kbs->store, &unit);

    if (status != STORE_OK)
        return status;
    status = volume_key(unit, attestation->volume.id, key);
    store_abandon(unit);
    return status;
}

static bool reply_with_key(struct attestation *attestation)
{
    uint8_t key[STATE_KEY_SIZE];
    enum store_status status = fetch_key(attestation, key);
    bool done;

    if (status == STORE_RETIRED || status == STORE_NOT_FOUND)
        return attestation_refuse(attestation, refusal_of(REFUSAL_VOLUME_CHANGED), NULL);
    if (status != STORE_OK)
        return attestation_refuse(attestation, refusal_of_store(status), "%s",
                                  store_status_text(status));
    done = reply_with(attestation, key, sizeof(key));
    OPENSSL_cleanse(key, sizeof(key));
    attestation->grant.has_key = true;
    return done;
}

bool attestation_make_reply(struct attestation *attestation)
{
    static const uint8_t nothing = 0; /* an empty ciphertext is too little for some clients */
    struct grant *grant = &attestation->grant;

    if (!grant->denied) {
        grant->key_version = attestation->volume.key_version;
        memcpy(grant->volume, attestation->volume.id, VOLUME_ID_SIZE);
    }
    if (!grant->denied &&
        !(grant->dialect == DIALECT_SIGNED && attestation->asked.op == RELEASE_OP_PROBE))
        return reply_with_key(attestation);
    return reply_with(attestation, &nothing, sizeof(nothing));
}
