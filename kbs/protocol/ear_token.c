/* SPDX-License-Identifier: MIT */
#include "kbs/protocol/ear_token.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "kbs/json_hex.h"
#include "kbs/keys/keyring.h"
#include "kbs/protocol/outcome.h"
#include "lib/base/bytes.h"
#include "lib/jose/jwt.h"
#include "lib/jose/strict_json.h"

#define ISSUER      "snp-vtpm-kbs"
#define EAT_PROFILE "tag:github.com,2024:confidential-containers/Trustee"
#define OWN_CLAIM   "snp-vtpm" /* what EAR has no place for */
#define CLOCK_SLACK 60         /* seconds between servers that share a store */
#define KID_LENGTH  (2 * SIGNING_KEY_ID_SIZE)

/* draft-ietf-rats-ar4si: affirming values, and one that is contraindicated. */
#define AR4SI_HARDWARE_AFFIRMED        2
#define AR4SI_HARDWARE_CONTRAINDICATED 97
#define AR4SI_EXECUTABLES_AFFIRMED     3
#define AR4SI_CONFIGURATION_AFFIRMED   3

/* Issuing */

static json_t *snp_claims(const struct attested *attested)
{
    const struct snp_report *report = &attested->report;
    struct tcb tcb = product_tcb(attested->product, get_le64(&report->reported_tcb));
    uint64_t policy = get_le64(&report->policy), platform = get_le64(&report->platform_info);

    return json_pack(
        "{s:i, s:i, s:b, s:b, s:b, s:b, s:i, s:i, s:i, s:i, s:b, s:b, s:o, s:o, s:o, s:o}",
        "policy_abi_major", (int)(policy >> 8 & 0xff), "policy_abi_minor", (int)(policy & 0xff),
        "policy_smt_allowed", (policy & SNP_POLICY_SMT) != 0, "policy_migrate_ma",
        (policy & SNP_POLICY_MIGRATE_MA) != 0, "policy_debug_allowed",
        (policy & SNP_POLICY_DEBUG) != 0, "policy_single_socket", (int)(policy >> 20 & 1),
        "reported_tcb_bootloader", tcb.bootloader, "reported_tcb_tee", tcb.tee, "reported_tcb_snp",
        tcb.snp, "reported_tcb_microcode", tcb.microcode, "platform_tsme_enabled",
        (int)(platform >> 1 & 1), "platform_smt_enabled", (int)(platform & 1), "measurement",
        json_hex(report->measurement, sizeof(report->measurement)), "report_data",
        json_hex(report->report_data, sizeof(report->report_data)), "init_data",
        json_hex(report->host_data, sizeof(report->host_data)), "chip_id",
        json_hex(report->chip_id, sizeof(report->chip_id)));
}

static json_t *annotated_evidence(const struct attest_request *sent, const struct grant *grant)
{
    const struct attested *attested = &grant->attested;
    json_t *runtime =
        json_pack("{s:s, s:o, s:s}", "nonce", sent->nonce_text, "tee-pubkey",
                  jwk_to_json(&grant->key), "additional-evidence", sent->additional_evidence);

    return json_pack(
        "{s:o, s:o, s:o, s:o}", attested->platform == PLATFORM_AMD ? "snp" : "snp-emulated",
        snp_claims(attested), "report_data",
        json_hex(attested->report.report_data, sizeof(attested->report.report_data)), "init_data",
        json_hex(attested->report.host_data, sizeof(attested->report.host_data)),
        "runtime_data_claims", runtime);
}

static json_t *trust_vector(bool affirmed)
{
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "instance-identity", 0,
                     "configuration", AR4SI_CONFIGURATION_AFFIRMED, "executables",
                     AR4SI_EXECUTABLES_AFFIRMED, "file-system", 0, "hardware",
                     affirmed ? AR4SI_HARDWARE_AFFIRMED : AR4SI_HARDWARE_CONTRAINDICATED,
                     "runtime-opaque", 0, "storage-opaque", 0, "sourced-data", 0);
}

/* The chip's signature was verified, and is of no further use. */
static json_t *own_claim(const struct grant *grant, json_t *volume)
{
    const struct attested *attested = &grant->attested;

    return json_pack("{s:s, s:s, s:s, s:b, s:s, s:b, s:O*, s:o}", "profile",
                     dialect_name(grant->dialect), "platform", outcome_platform(attested->platform),
                     "product", product_name(attested->product), "vlek", attested->vlek, "csp_id",
                     attested->csp_id, "crl_checked", grant->crl_checked, "volume", volume,
                     "report",
                     strict_json_encode(BASE64_URL, &attested->report, REPORT_SIGNED_SIZE));
}

static json_t *claims_of(const struct attest_request *sent, const struct grant *grant,
                         const char *policy_name, json_t *volume, time_t now)
{
    bool affirmed = grant->attested.platform == PLATFORM_AMD;

    return json_pack("{s:s, s:I, s:I, s:s, s:{s:s, s:s}, s:{s:{s:s, s:o, s:s, s:o}}, s:o}", //
                     "eat_profile", EAT_PROFILE,                                            //
                     "iat", (json_int_t)now, "exp", (json_int_t)now + EAR_TOKEN_LIFETIME,   //
                     "iss", ISSUER,                                                         //
                     "ear.verifier-id", "developer", "snp-vtpm", "build", "kbs",            //
                     "submods", "cpu0",                                                     //
                     "ear.status", affirmed ? "affirming" : "contraindicated",              //
                     "ear.trustworthiness-vector", trust_vector(affirmed),                  //
                     "ear.appraisal-policy-id", policy_name,                                //
                     "ear.veraison.annotated-evidence", annotated_evidence(sent, grant),    //
                     OWN_CLAIM, own_claim(grant, volume));
}

char *ear_token_issue(const struct kbs *kbs, const struct attest_request *sent,
                      const struct grant *grant, const char *policy_name, json_t *volume,
                      time_t now)
{
    uint8_t id[SIGNING_KEY_ID_SIZE];
    EVP_PKEY *key = keyring_active(kbs->keyring, SIGNING_KEY_TOKEN, id);
    json_t *claims = key ? claims_of(sent, grant, policy_name, volume, now) : NULL;
    char kid[KID_LENGTH + 1], *token = NULL;

    if (claims) {
        hex_text(id, sizeof(id), kid);
        token = jwt_sign(key, kid, claims);
    }
    json_decref(claims);
    EVP_PKEY_free(key);
    return token;
}

/* Checking */

struct search {
    const struct kbs *kbs;
    uint8_t id[SIGNING_KEY_ID_SIZE]; /* of the key that was asked for */
};

static EVP_PKEY *find_key(void *context, const char *kid)
{
    struct search *search = context;
    size_t size;

    if (strlen(kid) != KID_LENGTH ||
        OPENSSL_hexstr2buf_ex(search->id, sizeof(search->id), &size, kid, '\0') != 1 ||
        size != sizeof(search->id))
        return NULL;
    return keyring_find(search->kbs->keyring, SIGNING_KEY_TOKEN, search->id);
}

static enum refusal_kind refusal_for(enum jwt_status status)
{
    switch (status) {
    case JWT_OK:
        return REFUSAL_NONE;
    case JWT_MALFORMED:
        return REFUSAL_TOKEN_MALFORMED;
    case JWT_ALGORITHM:
        return REFUSAL_TOKEN_ALGORITHM;
    case JWT_KEY_UNKNOWN:
        return REFUSAL_TOKEN_SIGNER;
    case JWT_FORGED:
        break;
    }
    return REFUSAL_TOKEN_FORGED;
}

static bool is_current(const json_t *claims, time_t now)
{
    const json_t *issued = json_object_get(claims, "iat"),
                 *expires = json_object_get(claims, "exp");

    return json_is_integer(issued) && json_integer_value(issued) <= now + CLOCK_SLACK &&
           json_is_integer(expires) && json_integer_value(expires) > now;
}

static bool read_dialect(const json_t *own, struct grant *grant)
{
    for (int dialect = DIALECT_COCONUT; dialect <= DIALECT_COCO; dialect++)
        if (strict_json_is(json_object_get(own, "profile"), dialect_name((enum dialect)dialect))) {
            grant->dialect = (enum dialect)dialect;
            return true;
        }
    return false;
}

static bool read_attested(const json_t *own, struct attested *attested)
{
    const json_t *platform = json_object_get(own, "platform"), *vlek = json_object_get(own, "vlek");
    const char *product = json_string_value(json_object_get(own, "product"));
    const char *csp_id = json_string_value(json_object_get(own, "csp_id"));
    size_t size;

    attested->genuine = attested->bound = true;
    if (!csp_id || strlen(csp_id) > CSP_ID_MAX)
        return false;
    strcpy(attested->csp_id, csp_id);
    attested->vlek = json_is_true(vlek);
    if (strict_json_is(platform, outcome_platform(PLATFORM_AMD)))
        attested->platform = PLATFORM_AMD;
    else if (strict_json_is(platform, outcome_platform(PLATFORM_EMULATED)))
        attested->platform = PLATFORM_EMULATED;
    else
        return false;
    return json_is_boolean(vlek) && product && product_of_name(product, &attested->product) &&
           strict_json_decode(BASE64_URL, json_object_get(own, "report"), &attested->report,
                              REPORT_SIGNED_SIZE, &size) &&
           size == REPORT_SIGNED_SIZE;
}

static bool read_claims(const json_t *claims, struct grant *grant)
{
    const json_t *cpu = json_object_get(json_object_get(claims, "submods"), "cpu0");
    const json_t *evidence = json_object_get(cpu, "ear.veraison.annotated-evidence");
    const json_t *runtime = json_object_get(evidence, "runtime_data_claims");
    const json_t *own = json_object_get(claims, OWN_CLAIM);

    grant->crl_checked = json_is_true(json_object_get(own, "crl_checked"));
    return read_dialect(own, grant) && read_attested(own, &grant->attested) &&
           jwk_parse(json_object_get(runtime, "tee-pubkey"), &grant->key) == JWK_OK;
}

enum refusal_kind ear_token_check(const struct kbs *kbs, const char *token, time_t now,
                                  struct grant *grant)
{
    struct search search = {.kbs = kbs};
    json_t *claims;
    enum refusal_kind refusal =
        refusal_for(jwt_verify(token, strlen(token), find_key, &search, &claims));

    *grant = (struct grant){.has_signer = true, .signer_use = SIGNING_KEY_TOKEN};
    memcpy(grant->signer, search.id, sizeof(grant->signer));
    if (refusal != REFUSAL_NONE)
        return refusal;
    if (!strict_json_is(json_object_get(claims, "iss"), ISSUER))
        refusal = REFUSAL_TOKEN_ISSUER;
    else if (!is_current(claims, now))
        refusal = REFUSAL_TOKEN_EXPIRED;
    else if (!read_claims(claims, grant))
        refusal = REFUSAL_TOKEN_MALFORMED;
    json_decref(claims);
    return refusal;
}

/* The key set */

static void add_key(void *context, const uint8_t id[SIGNING_KEY_ID_SIZE], EVP_PKEY *key)
{
    json_t **keys = context, *jwk;
    char kid[KID_LENGTH + 1];

    hex_text(id, SIGNING_KEY_ID_SIZE, kid);
    jwk = jwt_key_to_jwk(key, kid);
    if (json_array_append_new(*keys, jwk) != 0) {
        json_decref(*keys);
        *keys = NULL;
    }
}

json_t *ear_token_keys(const struct kbs *kbs)
{
    json_t *keys = json_array();

    if (keys)
        keyring_each(kbs->keyring, SIGNING_KEY_TOKEN, add_key, &keys);
    return keys ? json_pack("{s:o}", "keys", keys) : NULL;
}
