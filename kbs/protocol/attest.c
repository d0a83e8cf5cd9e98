/* SPDX-License-Identifier: MIT */
#include "kbs/protocol/attest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "kbs/keys/keyring.h"
#include "kbs/lease/claims.h"
#include "kbs/metrics.h"
#include "kbs/protocol/attestation.h"
#include "kbs/protocol/binding.h"
#include "kbs/protocol/ear_token.h"
#include "kbs/protocol/outcome.h"
#include "kbs/store/leases.h"
#include "lib/base/reader.h"

bool attestation_refuse(struct attestation *attestation, struct refusal refusal, const char *detail,
                        ...)
{
    va_list arguments;

    attestation->refusal = refusal;
    if (detail) {
        va_start(arguments, detail);
        vsnprintf(attestation->detail, sizeof(attestation->detail), detail, arguments);
        va_end(arguments);
    }
    return false;
}

static bool refuse(struct attestation *attestation, enum refusal_kind kind)
{
    return attestation_refuse(attestation, refusal_of(kind), NULL);
}

/* The request and its session */

/* From here on what happens is final for the session: its nonce serves nobody again. */
static bool spend_nonce(struct attestation *attestation)
{
    const char *id = attestation->session;
    enum session_status status = id ? sessions_spend(attestation->kbs->sessions, id,
                                                     attestation->request->now, &attestation->nonce)
                                    : SESSION_UNKNOWN;

    switch (status) {
    case SESSION_OK:
        return true;
    case SESSION_SPENT:
        return refuse(attestation, REFUSAL_NONCE_SPENT);
    case SESSION_UNKNOWN:
        return refuse(attestation, REFUSAL_SESSION);
    case SESSION_BUSY:
        return refuse(attestation, REFUSAL_BUSY);
    default:
        return refuse(attestation, REFUSAL_STORAGE);
    }
}

static bool parse(struct attestation *attestation)
{
    enum attest_request_status status =
        attest_request_parse(attestation->request->body, attestation->request->body_size,
                             attestation->kbs->verifier->chains, &attestation->sent);

    if (status != ATTEST_REQUEST_OK)
        return attestation_refuse(attestation, refusal_of_request(status), NULL);
    attestation->grant.key = attestation->sent.key;
    return true;
}

/* What follows the nonce in a challenge of COCONUT-SVSM's dialect asks for a release record. */
static bool read_release_request(struct attestation *attestation)
{
    const struct attest_request *sent = &attestation->sent;
    struct grant *grant = &attestation->grant;
    size_t nonce_size = attestation->nonce.size;

    grant->dialect = DIALECT_SIGNED;
    if (!release_advert_parse(attestation->nonce.bytes, nonce_size, &attestation->advert) ||
        !release_request_parse(sent->nonce + nonce_size, sent->nonce_size - nonce_size,
                               &attestation->asked))
        return refuse(attestation, REFUSAL_RELEASE_REQUEST);
    grant->has_signer = true;
    grant->signer_use = SIGNING_KEY_RELEASE;
    memcpy(grant->signer,
           attestation->asked.has_kid ? attestation->asked.kid : attestation->advert.kid,
           sizeof(grant->signer));
    attestation->signer =
        keyring_find(attestation->kbs->keyring, SIGNING_KEY_RELEASE, grant->signer);
    return attestation->signer || refuse(attestation, REFUSAL_RELEASE_KEY);
}

static bool decide_dialect(struct attestation *attestation)
{
    const struct attest_request *sent = &attestation->sent;
    const struct session_nonce *nonce = &attestation->nonce;

    if (sent->nonce_size < nonce->size ||
        CRYPTO_memcmp(sent->nonce, nonce->bytes, nonce->size) != 0)
        return refuse(attestation, REFUSAL_NONCE);
    attestation->grant.dialect = sent->form == ATTEST_FORM_COCO ? DIALECT_COCO : DIALECT_COCONUT;
    if (sent->nonce_size == nonce->size)
        return true;
    return sent->form == ATTEST_FORM_COCONUT ? read_release_request(attestation)
                                             : refuse(attestation, REFUSAL_NONCE);
}

/* The owner's rules */

/* Of the report as it claims to be; nothing is believed for it. */
static void claimed_measurement(const struct attest_request *sent,
                                uint8_t measurement[LAUNCH_DIGEST_SIZE])
{
    struct reader report = reader_over(sent->report, sent->report_size), field;

    if (!reader_window(&report, &field, offsetof(struct snp_report, measurement),
                       LAUNCH_DIGEST_SIZE) ||
        !reader_copy(&field, measurement, LAUNCH_DIGEST_SIZE))
        memset(measurement, 0, LAUNCH_DIGEST_SIZE);
}

static bool load_rules_in(struct attestation *attestation, struct store_unit *unit)
{
    uint8_t measurement[LAUNCH_DIGEST_SIZE];
    const char *policy = attestation->kbs->attestation_policy, *image = NULL;
    enum store_status status;
    struct policy_error error;

    claimed_measurement(&attestation->sent, measurement);
    if (attestation->grant.dialect != DIALECT_COCO && !attestation_pick_volume(attestation, unit))
        return false;
    if (attestation->has_volume && !attestation->volume.retired) {
        policy = attestation->volume.policy;
        image = attestation->volume.image;
    }
    status =
        rules_load(attestation->kbs, unit, policy, image, measurement, &attestation->rules, &error);
    if (status != STORE_OK)
        return attestation_refuse(attestation, refusal_of_store(status), NULL);
    return attestation->rules.policy ||
           attestation_refuse(attestation, refusal_of(REFUSAL_POLICY), "%s", error.text);
}

/* All at once, and before the verification, which may take its time. */
static bool load_rules(struct attestation *attestation)
{
    struct store_unit *unit;
    enum store_status status = store_begin_reading(attestation->kbs->store, &unit);
    bool loaded;

    if (status != STORE_OK)
        return attestation_refuse(attestation, refusal_of_store(status), NULL);
    loaded = load_rules_in(attestation, unit);
    store_abandon(unit);
    return loaded;
}

/* The verification */

static bool run_verifier(struct attestation *attestation)
{
    struct attest_request *sent = &attestation->sent;
    struct evidence evidence = {
        .report = sent->report,
        .report_size = sent->report_size,
        .certificate_table = sent->certificate_table,
        .certificate_table_size = sent->certificate_table_size,
        .certificates = &sent->certificates,
    };
    struct expectation expected = {
        .requirements = &attestation->rules.policy->requirements,
        .admit = rules_admit,
        .context = &attestation->rules,
        .now = attestation->request->now,
    };

    if (!binding_report_data(sent, expected.report_data))
        return finding_fail(&attestation->finding, VERDICT_INTERNAL, "no digest");
    return evidence_verify(attestation->kbs->verifier, &evidence, &expected,
                           &attestation->grant.attested, &attestation->finding);
}

/*
 * A refusal by the owner's rules is told in a signed record to who asked for one. Only evidence
 * that is genuine, and is about this key and nonce, gets there: the key signs for nobody else.
 */
static bool deny(struct attestation *attestation, struct refusal refusal)
{
    const struct attested *attested = &attestation->grant.attested;

    if (attestation->grant.dialect != DIALECT_SIGNED || !attested->genuine || !attested->bound ||
        refusal.status != HTTP_UNAUTHORIZED)
        return attestation_refuse(attestation, refusal, "%s", attestation->finding.detail);
    attestation->denial = refusal;
    attestation->grant.denied = true;
    return true;
}

/* Emulated platforms have no CRL to be checked. */
static bool was_crl_checked(const struct attestation *attestation)
{
    return attestation->rules.policy->requirements.crl == CRL_REQUIRED ||
           attestation->grant.attested.platform == PLATFORM_EMULATED;
}

static bool verify(struct attestation *attestation)
{
    const struct attest_request *sent = &attestation->sent;

    if (!run_verifier(attestation))
        return deny(attestation,
                    refusal_of_verdict(attestation->finding.verdict, "AttestationError"));
    attestation->grant.crl_checked = was_crl_checked(attestation);
    if (sent->has_init_data &&
        memcmp(attestation->grant.attested.report.host_data, sent->host_data, HOST_DATA_SIZE) != 0)
        return refuse(attestation, REFUSAL_INIT_DATA);
    if (attestation->volume_problem != REFUSAL_NONE)
        return deny(attestation, refusal_of(attestation->volume_problem));
    return true;
}

/* The outcome */

static const char *operation_name(const struct attestation *attestation)
{
    static const char *const names[] = {
        [RELEASE_OP_PROBE] = "probe",       [RELEASE_OP_ACQUIRE] = "acquire",
        [RELEASE_OP_CONFIRM] = "confirm",   [RELEASE_OP_ANCHOR] = "anchor",
        [RELEASE_OP_RENEW] = "renew",       [RELEASE_OP_RELEASE] = "release",
        [RELEASE_OP_COMPLAIN] = "complain",
    };

    return attestation->grant.dialect == DIALECT_SIGNED ? names[attestation->asked.op] : NULL;
}

static struct outcome outcome_of(const struct attestation *attestation)
{
    const struct attested *attested = &attestation->grant.attested; /* zero before it is parsed */
    const struct rules *rules = &attestation->rules;

    return (struct outcome){
        .event = "attest",
        .result = "accepted",
        .detail = attestation->refusal.code ? attestation->detail : attestation->finding.detail,
        .profile = attestation->sent.body.root ? dialect_name(attestation->grant.dialect) : NULL,
        .operation = operation_name(attestation),
        .attested = attested->report.version != 0 ? attested : NULL,
        .policy = rules->policy ? rules->policy_name : NULL,
        .image = rules->has_image ? rules->image.name : NULL,
        .volume = attestation->has_volume ? &attestation->volume : NULL,
    };
}

static void count(const struct attestation *attestation)
{
    if (attestation->grant.denied || attestation->refusal.code) {
        metric_add(METRIC_ATTESTATIONS_REFUSED, 1);
        return;
    }
    metric_add(METRIC_ATTESTATIONS_ACCEPTED, 1);
    if (attestation->grant.attested.platform == PLATFORM_EMULATED)
        metric_add(METRIC_ATTESTATIONS_EMULATED, 1);
}

/* The volume that the VM has or had a lease of, in this session or in that of its SVSM. NULL: there
 * is none. The report vouches for the VM. */
static enum store_status volume_of_vm(const struct attestation *attestation,
                                      struct store_unit *unit, json_t **claims)
{
    struct lease_record record;
    struct volume volume;
    uint64_t epoch;
    enum store_status status = lease_of_holder(unit, attestation->grant.attested.report.report_id,
                                               &volume, &epoch, &record);

    *claims = status == STORE_OK ? lease_claims(volume.id, &record) : NULL;
    if (status != STORE_OK)
        return status == STORE_NOT_FOUND ? STORE_OK : status;
    if (json_object_set_new(*claims, "current_epoch", json_integer((json_int_t)record.epoch)) ==
            0 &&
        json_object_set_new(*claims, "epoch", json_integer((json_int_t)epoch)) == 0)
        return STORE_OK;
    json_decref(*claims);
    return STORE_FAILED;
}

/*
 * A token says that evidence was accepted. Who was denied has none, and who keeps a lease needs
 * none beyond the one that ACQUIRE brought: over a serial line, it is more than all the rest.
 */
static bool brings_token(const struct attestation *attestation)
{
    return !attestation->grant.denied &&
           (!attestation->lease.applies || attestation->asked.op == RELEASE_OP_ACQUIRE);
}

/* What is no token is an empty text, for clients that expect some. */
static enum store_status make_token(struct attestation *attestation, struct store_unit *unit,
                                    struct refusal *refusal)
{
    enum store_status status = STORE_OK;
    json_t *volume = NULL;

    free(attestation->token);
    attestation->token = NULL;
    if (!brings_token(attestation)) {
        attestation->token = strdup("");
    } else {
        status = volume_of_vm(attestation, unit, &volume);
        if (status != STORE_OK)
            return status;
        attestation->token =
            ear_token_issue(attestation->kbs, &attestation->sent, &attestation->grant,
                            attestation->rules.policy_name, volume, attestation->request->now);
        json_decref(volume);
    }
    if (!attestation->token)
        *refusal = refusal_of(REFUSAL_TOKEN_KEY);
    return status;
}

/* Unknown: it had to make room for another one meanwhile. */
static struct refusal refusal_of_session(enum session_status status)
{
    if (status == SESSION_OK)
        return refusal_of(REFUSAL_NONE);
    return refusal_of(status == SESSION_UNKNOWN ? REFUSAL_SESSION : REFUSAL_STORAGE);
}

/* Whether the rules, which may have changed since they were loaded, still admit what was verified
 * by them. What was denied needs no permission. */
static enum store_status still_permitted(struct attestation *attestation, struct store_unit *unit,
                                         struct outcome *outcome, struct refusal *refusal)
{
    struct permit *permit = &attestation->permit;
    enum store_status status;

    if (attestation->denial.code)
        return STORE_OK;
    status = attestation->has_volume
                 ? permit_volume(permit, unit, refusal)
                 : permit_policy(permit, unit, attestation->kbs->attestation_policy, refusal);
    permit_tell(permit, outcome);
    return status;
}

struct conclusion {
    struct attestation *attestation;
    struct outcome outcome;
};

/* An outcome_decision. */
static enum store_status conclude_in(struct store_unit *unit, void *context,
                                     struct refusal *refusal)
{
    struct conclusion *conclusion = context;
    struct attestation *attestation = conclusion->attestation;
    enum session_status granted;
    enum store_status status = still_permitted(attestation, unit, &conclusion->outcome, refusal);

    if (status == STORE_OK && refusal->status == HTTP_OK && attestation->has_volume &&
        !attestation->denial.code)
        status = attestation_apply_lease(attestation, unit, &conclusion->outcome, refusal);
    if (status == STORE_OK && refusal->status == HTTP_OK)
        status = attestation_apply_ek(attestation, unit, &conclusion->outcome, refusal);
    if (status == STORE_OK && refusal->status == HTTP_OK)
        status = make_token(attestation, unit, refusal);
    if (status != STORE_OK || refusal->status != HTTP_OK)
        return status;
    status = sessions_store_grant(attestation->kbs->sessions, unit, attestation->session,
                                  &attestation->grant, &granted);
    *refusal = refusal_of_session(granted);
    return status;
}

/* Durably, and before the client learns anything. */
static bool conclude(struct attestation *attestation)
{
    struct conclusion conclusion = {attestation, outcome_of(attestation)};
    struct refusal refusal;

    attestation->permit = (struct permit){.kbs = attestation->kbs, .grant = &attestation->grant};
    if (attestation->denial.code) {
        conclusion.outcome.result = "denied";
        conclusion.outcome.reason = attestation->denial.code;
        conclusion.outcome.text = attestation->denial.text;
    }
    refusal = outcome_decide(attestation->kbs, attestation->request, &conclusion.outcome,
                             conclude_in, &conclusion);
    attestation->recorded = refusal.status != HTTP_OK;
    if (refusal.status == HTTP_OK)
        refusal =
            refusal_of_session(sessions_keep_grant(attestation->kbs->sessions, attestation->session,
                                                   attestation->request->now, &attestation->grant));
    return refusal.status == HTTP_OK || attestation_refuse(attestation, refusal, NULL);
}

/* The whole of it: true when there is a grant, which may say that something was denied. */
static bool attest(struct attestation *attestation)
{
    return spend_nonce(attestation) && parse(attestation) && decide_dialect(attestation) &&
           load_rules(attestation) && verify(attestation) &&
           (attestation->grant.dialect == DIALECT_COCO ||
            (attestation_foresee_lease(attestation) && attestation_foresee_ek(attestation) &&
             attestation_make_reply(attestation, NULL))) &&
           conclude(attestation);
}

static void reply_refusal(const struct attestation *attestation, struct http_reply *reply)
{
    struct outcome outcome = outcome_of(attestation);

    if (attestation->recorded)
        outcome_reply(reply, &attestation->refusal);
    else
        outcome_refuse(attestation->kbs, attestation->request, reply, &attestation->refusal,
                       &outcome);
}

void attest_answer(const struct kbs *kbs, const struct http_request *request,
                   struct http_reply *reply)
{
    struct attestation attestation = {
        .kbs = kbs,
        .request = request,
        .session = http_request_value(request, HTTP_COOKIE, SESSION_COOKIE),
    };

    if (attest(&attestation))
        http_reply_json(reply, HTTP_OK,
                        json_pack("{s:o}", "token", json_string_nocheck(attestation.token)));
    else
        reply_refusal(&attestation, reply);
    /* A signed record that says no is a refusal, too; but not of somebody who is to ask again. */
    reply->refused |= attestation.grant.denied && !attestation.lease.applies;
    count(&attestation);
    free(attestation.token);
    rules_give_back(kbs, &attestation.rules);
    permit_end(&attestation.permit);
    grant_free(&attestation.grant);
    EVP_PKEY_free(attestation.signer);
    attest_request_free(&attestation.sent);
}
