/* SPDX-License-Identifier: MIT */
/* What of an attestation is about a volume: which one, and the reply with its key or a status. */
#include <stdlib.h>
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
    if (!attestation->grant.denied && !attestation->lease.applies)
        return RELEASE_STATUS_OK;
    if (attestation->lease.applies)
        return (uint8_t)lease_status(attestation->lease.output.reason);
    return attestation->volume_problem == REFUSAL_VOLUME_UNKNOWN ||
                   attestation->volume_problem == REFUSAL_VOLUME_AMBIGUOUS
               ? RELEASE_STATUS_UNKNOWN_VOLUME
               : RELEASE_STATUS_DENIED;
}

static void tell_lease(const struct attestation *attestation, struct release_record *record)
{
    const struct lease_turn *turn = &attestation->lease;
    struct lease_input input = {
        .request = &attestation->asked, .policy = &turn->policy, .now = attestation->request->now};

    lease_tell(&turn->record, &input, &turn->output, record);
    record->has_key_version = record->has_lease;
    record->key_version =
        turn->record.next_version ? turn->record.next_version : turn->record.key_version;
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
    if (attestation->lease.applies)
        tell_lease(attestation, record);
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

/* The key, and behind it the one to change over to, if there is one. */
static enum store_status fetch_keys(const struct attestation *attestation, struct store_unit *unit,
                                    uint8_t keys[2 * STATE_KEY_SIZE], size_t *size)
{
    uint32_t next = attestation->lease.applies ? attestation->lease.record.next_version : 0;
    enum store_status status = volume_key(unit, attestation->volume.id, keys);

    *size = STATE_KEY_SIZE;
    if (status != STORE_OK || next == 0)
        return status;
    *size = 2 * STATE_KEY_SIZE;
    return volume_key_of(unit, attestation->volume.id, next, keys + STATE_KEY_SIZE);
}

/* The same in a unit that only reads. */
static enum store_status fetch_keys_apart(const struct attestation *attestation,
                                          uint8_t keys[2 * STATE_KEY_SIZE], size_t *size)
{
    struct store_unit *unit;
    enum store_status status = store_begin_reading(attestation->kbs->store, &unit);

    if (status != STORE_OK)
        return status;
    status = fetch_keys(attestation, unit, keys, size);
    store_abandon(unit);
    return status;
}

static bool reply_with_keys(struct attestation *attestation, struct store_unit *unit)
{
    uint8_t keys[2 * STATE_KEY_SIZE];
    size_t size = 0;
    enum store_status status = unit ? fetch_keys(attestation, unit, keys, &size)
                                    : fetch_keys_apart(attestation, keys, &size);
    bool done = false;

    if (status == STORE_OK)
        done = reply_with(attestation, keys, size);
    OPENSSL_cleanse(keys, sizeof(keys));
    attestation->grant.has_key = done;
    if (status == STORE_RETIRED || status == STORE_NOT_FOUND)
        return attestation_refuse(attestation, refusal_of(REFUSAL_VOLUME_CHANGED), NULL);
    if (status != STORE_OK)
        return attestation_refuse(attestation, refusal_of_store(status), "%s",
                                  store_status_text(status));
    return done;
}

static bool gives_key(const struct attestation *attestation)
{
    if (attestation->grant.denied)
        return false;
    if (attestation->lease.applies)
        return attestation->lease.output.gives_key;
    return attestation->grant.dialect != DIALECT_SIGNED ||
           attestation->asked.op == RELEASE_OP_ACQUIRE;
}

/* Certificates of the endorsement keys, or a status only: then one byte, as an empty ciphertext is
 * too little for some clients. */
static bool reply_without_keys(struct attestation *attestation)
{
    uint8_t payload[EK_CERTIFICATES_MAX] = {0};
    size_t size = attestation->grant.denied ? 0 : attestation_ek_payload(attestation, payload);

    return reply_with(attestation, payload, size > 0 ? size : 1);
}

bool attestation_make_reply(struct attestation *attestation, struct store_unit *unit)
{
    struct grant *grant = &attestation->grant;

    free(grant->reply);
    grant->reply = NULL;
    grant->has_key = false;
    if (attestation->has_volume && !attestation->denial.code) {
        grant->key_version = attestation->volume.key_version;
        memcpy(grant->volume, attestation->volume.id, VOLUME_ID_SIZE);
    }
    return gives_key(attestation) ? reply_with_keys(attestation, unit)
                                  : reply_without_keys(attestation);
}
