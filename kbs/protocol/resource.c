/* SPDX-License-Identifier: MIT */
#include "kbs/protocol/resource.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "kbs/metrics.h"
#include "kbs/protocol/attest.h"
#include "kbs/protocol/ear_token.h"
#include "kbs/protocol/outcome.h"
#include "kbs/protocol/rules.h"
#include "kbs/protocol/session.h"
#include "kbs/store/secrets.h"
#include "lib/jose/jwe_seal.h"

#define VOLUME_PATH "default/sample/test" /* the only one that COCONUT-SVSM's proxy asks for */

struct release {
    const struct kbs *kbs;
    const struct http_request *request;
    const char *path;
    struct grant grant;   /* of who asks */
    struct volume volume; /* whose key it is, when it is one */
    struct rules rules;   /* as they are now */
    uint8_t *secret;      /* in the clear, when it is none */
    size_t secret_size;

    struct finding finding;
    struct policy_error policy_error;
    struct outcome outcome; /* refers to the others */
};

/* Who asks */

static const char *bearer_token(const struct http_request *request)
{
    static const char scheme[] = "Bearer ";
    const char *value = http_request_value(request, HTTP_HEADER, "Authorization");

    return value && strncasecmp(value, scheme, strlen(scheme)) == 0 ? value + strlen(scheme) : NULL;
}

static enum refusal_kind find_grant(struct release *release)
{
    const char *id = http_request_value(release->request, HTTP_COOKIE, SESSION_COOKIE);
    const char *token = bearer_token(release->request);
    enum session_status status =
        id ? sessions_find(release->kbs->sessions, id, release->request->now, &release->grant)
           : SESSION_UNKNOWN;

    if (status == SESSION_OK)
        return REFUSAL_NONE;
    if (status != SESSION_UNKNOWN)
        return REFUSAL_STORAGE;
    return token ? ear_token_check(release->kbs, token, release->request->now, &release->grant)
                 : REFUSAL_NOT_ATTESTED;
}

static void refuse(struct release *release, struct http_reply *reply, struct refusal refusal)
{
    metric_add(METRIC_RELEASES_REFUSED, 1);
    outcome_refuse(release->kbs, release->request, reply, &refusal, &release->outcome);
}

/* What the owner's rules say now, whatever those were by which the guest attested */

static struct refusal refusal_of_store(enum store_status status, enum refusal_kind missing)
{
    switch (status) {
    case STORE_OK:
        return refusal_of(REFUSAL_NONE);
    case STORE_NOT_FOUND:
    case STORE_RETIRED:
        return refusal_of(missing);
    default:
        return refusal_of(REFUSAL_STORAGE);
    }
}

static struct refusal appraise(struct release *release)
{
    const struct requirements *requirements = &release->rules.policy->requirements;

    release->outcome.policy = release->rules.policy_name;
    if (release->rules.has_image)
        release->outcome.image = release->rules.image.name;
    if (requirements->crl == CRL_REQUIRED && !release->grant.crl_checked)
        return refusal_of(REFUSAL_CRL);
    if (!evidence_appraise(&release->grant.attested, requirements, rules_admit, &release->rules,
                           &release->finding))
        return refusal_of_verdict(release->finding.verdict, "PolicyDeny");
    return refusal_of(REFUSAL_NONE);
}

static struct refusal apply_rules(struct release *release, struct store_unit *unit,
                                  const char *policy, const char *image)
{
    switch (rules_load(release->kbs, unit, policy, image,
                       release->grant.attested.report.measurement, &release->rules,
                       &release->policy_error)) {
    case RULES_OK:
        return appraise(release);
    case RULES_BAD_POLICY:
        release->outcome.detail = release->policy_error.text;
        return refusal_of(REFUSAL_POLICY);
    default:
        return refusal_of(REFUSAL_STORAGE);
    }
}

/* Does that in one unit of work, so that all is as of one moment. */
static struct refusal in_unit(struct release *release,
                              struct refusal (*check)(struct release *, struct store_unit *))
{
    struct store_unit *unit;
    struct refusal refusal;

    if (store_begin_reading(release->kbs->store, &unit) != STORE_OK)
        return refusal_of(REFUSAL_STORAGE);
    refusal = check(release, unit);
    store_abandon(unit);
    return refusal;
}

/* A volume's key */

static struct refusal check_volume(struct release *release, struct store_unit *unit)
{
    struct volume *volume = &release->volume;
    struct refusal refusal =
        refusal_of_store(volume_by_id(unit, release->grant.volume, volume), REFUSAL_VOLUME_CHANGED);

    if (refusal.status != HTTP_OK)
        return refusal;
    release->outcome.volume = volume;
    if (volume->retired || volume->key_version != release->grant.key_version)
        return refusal_of(REFUSAL_VOLUME_CHANGED);
    if (release->grant.dialect == DIALECT_COCONUT && volume->release == VOLUME_RELEASE_SIGNED)
        return refusal_of(REFUSAL_SIGNED_ONLY);
    return apply_rules(release, unit, volume->policy, volume->image);
}

/* An audit_also. That a volume is gone meanwhile is no reason to lose the line. */
static enum store_status note_release(struct store_unit *unit, void *context)
{
    const struct release *release = context;
    enum store_status status =
        volume_note_release(unit, release->grant.volume, release->request->now);

    return status == STORE_NOT_FOUND || status == STORE_RETIRED ? STORE_OK : status;
}

/* Hands over the session's reply. */
static void send_reply(struct release *release, struct http_reply *reply)
{
    reply->status = HTTP_OK;
    reply->content_type = "application/json";
    reply->body = release->grant.reply;
    reply->body_size = release->grant.reply_size;
    release->grant.reply = NULL;
}

static void answer_volume(struct release *release, struct http_reply *reply)
{
    struct refusal refusal;

    if (!release->grant.has_key) { /* a status only */
        send_reply(release, reply);
        return;
    }
    refusal = in_unit(release, check_volume);
    if (refusal.status == HTTP_OK &&
        outcome_record(release->kbs, release->request, &release->outcome, note_release, release) !=
            STORE_OK)
        refusal = refusal_of(REFUSAL_AUDIT);
    if (refusal.status == HTTP_OK) {
        metric_add(METRIC_SECRETS_RELEASED, 1);
        send_reply(release, reply);
    } else {
        refuse(release, reply, refusal);
    }
}

/* A secret by its path */

static struct refusal fetch_secret(struct release *release, struct store_unit *unit)
{
    struct secret info;
    struct refusal refusal =
        refusal_of_store(secret_info(unit, release->path, &info), REFUSAL_RESOURCE);

    if (refusal.status == HTTP_OK)
        refusal = apply_rules(release, unit, info.policy, NULL);
    if (refusal.status == HTTP_OK)
        refusal = refusal_of_store(
            secret_fetch(unit, release->path, &release->secret, &release->secret_size),
            REFUSAL_RESOURCE);
    return refusal;
}

static void answer_secret(struct release *release, struct http_reply *reply)
{
    json_t *jwe = NULL;
    struct refusal refusal = in_unit(release, fetch_secret);

    if (refusal.status == HTTP_OK) {
        jwe = jwe_seal(&release->grant.key, release->secret, release->secret_size);
        refusal = refusal_of(!jwe ? REFUSAL_MEMORY : REFUSAL_NONE);
    }
    if (jwe &&
        outcome_record(release->kbs, release->request, &release->outcome, NULL, NULL) != STORE_OK)
        refusal = refusal_of(REFUSAL_AUDIT);
    if (refusal.status == HTTP_OK) {
        metric_add(METRIC_SECRETS_RELEASED, 1);
        http_reply_json(reply, HTTP_OK, jwe);
        jwe = NULL;
    } else {
        refuse(release, reply, refusal);
    }
    json_decref(jwe);
    if (release->secret)
        OPENSSL_cleanse(release->secret, release->secret_size);
    free(release->secret);
}

void resource_answer(const struct kbs *kbs, const struct http_request *request, const char *path,
                     struct http_reply *reply)
{
    struct release release = {
        .kbs = kbs,
        .request = request,
        .path = path,
        .outcome = {.event = "release", .result = "released", .resource = path}};
    enum refusal_kind refusal = find_grant(&release);

    if (refusal == REFUSAL_NONE) {
        release.outcome.profile = dialect_name(release.grant.dialect);
        release.outcome.attested = &release.grant.attested;
        release.outcome.detail = release.finding.detail;
    }
    if (refusal != REFUSAL_NONE)
        refuse(&release, reply, refusal_of(refusal));
    else if (release.grant.reply && strcmp(path, VOLUME_PATH) == 0)
        answer_volume(&release, reply);
    else if (release.grant.denied)
        refuse(&release, reply, refusal_of(REFUSAL_NOT_ATTESTED));
    else
        answer_secret(&release, reply);
    rules_give_back(kbs, &release.rules);
    grant_free(&release.grant);
}
