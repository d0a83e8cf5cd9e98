/* SPDX-License-Identifier: MIT */
#include "kbs/protocol/resource.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "kbs/metrics.h"
#include "kbs/protocol/attest.h"
#include "kbs/protocol/attest_lease.h"
#include "kbs/protocol/ear_token.h"
#include "kbs/protocol/outcome.h"
#include "kbs/protocol/permit.h"
#include "kbs/protocol/session.h"
#include "kbs/store/secrets.h"
#include "lib/jose/jwe_seal.h"

#define VOLUME_PATH "default/sample/test" /* the only one that COCONUT-SVSM's proxy asks for */

struct release {
    const struct kbs *kbs;
    const struct http_request *request;
    const char *path;
    struct grant grant; /* of who asks */
    struct permit permit;
    json_t *sealed; /* the secret at the path, for who asks, in the version */
    unsigned version;
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
        return status == SESSION_BUSY ? REFUSAL_BUSY : REFUSAL_STORAGE;
    return token ? ear_token_check(release->kbs, token, release->request->now, &release->grant)
                 : REFUSAL_NOT_ATTESTED;
}

static void refuse(struct release *release, struct http_reply *reply, struct refusal refusal)
{
    metric_add(METRIC_RELEASES_REFUSED, 1);
    outcome_refuse(release->kbs, release->request, reply, &refusal, &release->outcome);
}

/* Decides, with the line that says how, and answers. */
static void conclude(struct release *release, struct http_reply *reply, outcome_decision *decide,
                     void (*send)(struct release *release, struct http_reply *reply))
{
    struct refusal refusal =
        outcome_decide(release->kbs, release->request, &release->outcome, decide, release);

    if (refusal.status == HTTP_OK) {
        metric_add(METRIC_SECRETS_RELEASED, 1);
        send(release, reply);
    } else {
        metric_add(METRIC_RELEASES_REFUSED, 1);
        outcome_reply(reply, &refusal);
    }
}

/* A volume's key */

/* An outcome_decision. */
static enum store_status decide_volume(struct store_unit *unit, void *context,
                                       struct refusal *refusal)
{
    struct release *release = context;
    enum store_status status = permit_volume(&release->permit, unit, refusal);

    permit_tell(&release->permit, &release->outcome);
    if (status == STORE_OK && refusal->status == HTTP_OK)
        status = lease_permits(unit, &release->grant, &release->permit.volume, refusal);
    return status == STORE_OK && refusal->status == HTTP_OK
               ? volume_note_release(unit, release->grant.volume, release->request->now)
               : status;
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
    if (release->grant.has_key)
        conclude(release, reply, decide_volume, send_reply);
    else /* a status only */
        send_reply(release, reply);
}

/* A secret by its path */

/* Fetches the secret and encrypts it to who asks. */
static enum store_status seal(struct release *release, struct store_unit *unit, unsigned version,
                              struct refusal *refusal)
{
    uint8_t *secret;
    size_t size;
    enum store_status status = secret_fetch(unit, release->path, &secret, &size);

    if (status != STORE_OK)
        return status;
    json_decref(release->sealed);
    release->sealed = jwe_seal(&release->grant.key, secret, size);
    release->version = version;
    OPENSSL_clear_free(secret, size);
    if (!release->sealed)
        *refusal = refusal_of(REFUSAL_MEMORY);
    return STORE_OK;
}

/* An outcome_decision. */
static enum store_status decide_secret(struct store_unit *unit, void *context,
                                       struct refusal *refusal)
{
    struct release *release = context;
    struct secret info;
    enum store_status status = secret_info(unit, release->path, &info);

    if (status == STORE_NOT_FOUND) {
        *refusal = refusal_of(REFUSAL_RESOURCE);
        return STORE_OK;
    }
    if (status == STORE_OK)
        status = permit_policy(&release->permit, unit, info.policy, refusal);
    permit_tell(&release->permit, &release->outcome);
    if (status != STORE_OK || refusal->status != HTTP_OK ||
        (release->sealed && release->version == info.version))
        return status;
    return seal(release, unit, info.version, refusal);
}

/* The same beforehand, beside others: sealing takes a while. */
static struct refusal look_first(struct release *release)
{
    struct refusal refusal = refusal_of(REFUSAL_NONE);
    struct store_unit *unit;
    enum store_status status = store_begin_reading(release->kbs->store, &unit);

    if (status != STORE_OK)
        return refusal_of_store(status);
    status = decide_secret(unit, release, &refusal);
    store_abandon(unit);
    return status == STORE_OK ? refusal : refusal_of_store(status);
}

static void send_sealed(struct release *release, struct http_reply *reply)
{
    http_reply_json(reply, HTTP_OK, release->sealed);
    release->sealed = NULL;
}

static void answer_secret(struct release *release, struct http_reply *reply)
{
    struct refusal refusal = look_first(release);

    if (refusal.status == HTTP_OK)
        conclude(release, reply, decide_secret, send_sealed);
    else
        refuse(release, reply, refusal);
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
        release.permit = (struct permit){.kbs = kbs, .grant = &release.grant};
    }
    if (refusal != REFUSAL_NONE)
        refuse(&release, reply, refusal_of(refusal));
    else if (release.grant.reply && strcmp(path, VOLUME_PATH) == 0)
        answer_volume(&release, reply);
    else if (release.grant.denied)
        refuse(&release, reply, refusal_of(REFUSAL_NOT_ATTESTED));
    else
        answer_secret(&release, reply);
    json_decref(release.sealed);
    permit_end(&release.permit);
    grant_free(&release.grant);
}
