/* SPDX-License-Identifier: MIT */
#include "tests/load/proof.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "emulator/amd-sp/attestation_report.h"
#include "lib/jose/jwk.h"
#include "lib/jose/strict_json.h"
#include "services/attest/report_data.h"
#include "tests/unit/kbs/report_json.h"

#define MILAN_FMS 0x00A00F11u

bool prover_start(struct prover *prover, unsigned number)
{
    prover->key = p521_generate();
    prover->request = (struct release_request){.op = RELEASE_OP_ACQUIRE};
    return identity_make(number, &prover->identity) && prover->key &&
           p521_point_of(prover->key, &prover->point);
}

void prover_end(struct prover *prover)
{
    EVP_PKEY_free(prover->key);
}

static json_t *key_json(const struct prover *prover)
{
    struct jwk jwk = {
        .kind = JWK_P521, .first_size = P521_COORDINATE_SIZE, .second_size = P521_COORDINATE_SIZE};

    memcpy(jwk.first, prover->point.x, P521_COORDINATE_SIZE);
    memcpy(jwk.second, prover->point.y, P521_COORDINATE_SIZE);
    return jwk_to_json(&jwk);
}

/* As the AMD-SP does for a guest that was launched with this prover's image. */
static bool sign_report(const struct prover *prover, const uint8_t report_data[REPORT_DATA_SIZE],
                        struct snp_report *report)
{
    struct guest_context guest = {
        .state = GUEST_RUNNING, .policy = SNP_POLICY_DEFAULT, .fms = MILAN_FMS};
    struct msg_report_req request = {0};

    memcpy(guest.digest.ld, prover->identity.measurement, sizeof(guest.digest.ld));
    memcpy(guest.report_id, prover->report_id, sizeof(guest.report_id));
    memcpy(request.report_data, report_data, REPORT_DATA_SIZE);
    return attestation_report_make(prover->chip, &guest, &request, report);
}

/* Hands body, which may be NULL, over to text. */
static char *text_of(json_t *body)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

    json_decref(body);
    return text;
}

static bool decode_nonce(const char *nonce, struct challenge *challenge)
{
    return base64_decode(BASE64_STANDARD, nonce, strlen(nonce), challenge->bytes,
                         sizeof(challenge->bytes), &challenge->size);
}

static char *attest_as_svsm(const struct prover *prover, const char *nonce, struct proof *proof)
{
    uint8_t report_data[REPORT_DATA_SIZE];
    struct release_context *release = &proof->release;
    struct challenge challenge;

    if (!decode_nonce(nonce, &challenge) ||
        (prover->dialect == DIALECT_SIGNED &&
         release_terms_apply(prover->terms, &challenge, &release->advert, &release->request)) ||
        report_data_for_key(&prover->point, &challenge, report_data) ||
        !sign_report(prover, report_data, &proof->report))
        return NULL;
    return text_of(
        json_pack("{s:n, s:{s:o, s:o}, s:{s:{s:o, s:n}, s:s}}", "init-data", "runtime-data",
                  "nonce", strict_json_encode(BASE64_STANDARD, challenge.bytes, challenge.size),
                  "tee-pubkey", key_json(prover), "tee-evidence", "primary_evidence", "snp-report",
                  strict_json_encode(BASE64_STANDARD, &proof->report, sizeof(proof->report)),
                  "certs-buf", "additional_evidence", ""));
}

/* SHA-384 of the canonical JSON of what is bound, padded with zeros. */
static bool bind_as_trustee(const char *nonce, const json_t *key,
                            uint8_t report_data[REPORT_DATA_SIZE])
{
    json_t *bound =
        json_pack("{s:s, s:s, s:O}", "additional-evidence", "", "nonce", nonce, "tee-pubkey", key);
    char *text = bound ? json_dumps(bound, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    bool hashed;

    memset(report_data, 0, REPORT_DATA_SIZE);
    hashed = text && SHA384((const uint8_t *)text, strlen(text), report_data);
    free(text);
    json_decref(bound);
    return hashed;
}

static char *attest_as_trustee(const struct prover *prover, const char *nonce, struct proof *proof)
{
    uint8_t report_data[REPORT_DATA_SIZE];
    json_t *key = key_json(prover);
    char *text = NULL;

    if (bind_as_trustee(nonce, key, report_data) &&
        sign_report(prover, report_data, &proof->report))
        text = text_of(json_pack(
            "{s:n, s:{s:s, s:O}, s:{s:{s:o, s:n}, s:s}}", "init-data", "runtime-data", "nonce",
            nonce, "tee-pubkey", key, "tee-evidence", "primary_evidence", "attestation_report",
            report_json(&proof->report), "cert_chain", "additional_evidence", ""));
    json_decref(key);
    return text;
}

char *prover_attestation(const struct prover *prover, const char *nonce, struct proof *proof)
{
    proof->release = (struct release_context){.terms = prover->terms,
                                              .report = (const uint8_t *)&proof->report,
                                              .request = prover->request,
                                              .own = prover->key,
                                              .own_point = prover->point};
    return prover->dialect == DIALECT_COCO ? attest_as_trustee(prover, nonce, proof)
                                           : attest_as_svsm(prover, nonce, proof);
}

static bool decode(const json_t *object, const char *name, void *out, size_t size)
{
    size_t got;

    return strict_json_decode(BASE64_URL, json_object_get(object, name), out, size, &got) &&
           got == size;
}

static bool decode_epk(struct jwe *jwe)
{
    char text[JWE_PROTECTED_MAX];
    size_t size;
    json_t *header;
    const json_t *epk;
    bool decoded;

    if (!base64_decode(BASE64_URL, jwe->protected, strlen(jwe->protected), text, sizeof(text),
                       &size))
        return false;
    header = json_loadb(text, size, 0, NULL);
    epk = json_object_get(header, "epk");
    decoded = decode(epk, "x", jwe->epk.x, sizeof(jwe->epk.x)) &&
              decode(epk, "y", jwe->epk.y, sizeof(jwe->epk.y));
    json_decref(header);
    return decoded;
}

static bool decode_jwe(const json_t *json, struct jwe *jwe)
{
    const char *protected = json_string_value(json_object_get(json, "protected"));

    if (!protected || strlen(protected) > JWE_PROTECTED_MAX)
        return false;
    strcpy(jwe->protected, protected);
    return decode_epk(jwe) &&
           decode(json, "encrypted_key", jwe->wrapped_cek, sizeof(jwe->wrapped_cek)) &&
           decode(json, "iv", jwe->iv, sizeof(jwe->iv)) &&
           decode(json, "tag", jwe->tag, sizeof(jwe->tag)) &&
           strict_json_decode(BASE64_URL, json_object_get(json, "ciphertext"), jwe->ciphertext,
                              sizeof(jwe->ciphertext), &jwe->size);
}

bool proof_open(const struct proof *proof, const json_t *json, uint8_t secret[IDENTITY_SECRET_SIZE])
{
    struct jwe jwe;

    static_assert(IDENTITY_SECRET_SIZE == STATE_KEY_SIZE, "a secret is a state key");
    return decode_jwe(json, &jwe) && release_reply_open(&proof->release, &jwe, secret) == ATTEST_OK;
}

enum attest_error proof_read(const struct proof *proof, const json_t *json,
                             struct release_record *record, uint8_t secret[IDENTITY_SECRET_SIZE])
{
    struct released_keys keys;
    struct jwe jwe;
    enum attest_error error;

    *record = (struct release_record){0};
    if (!decode_jwe(json, &jwe))
        return ATTEST_ERR_ATTESTATION;
    error = release_reply_read(&proof->release, &jwe, record, &keys);
    if (!error && proof->release.request.op == RELEASE_OP_ACQUIRE)
        memcpy(secret, keys.key, IDENTITY_SECRET_SIZE);
    return error;
}
