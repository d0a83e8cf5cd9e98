/* SPDX-License-Identifier: MIT */
/* /admin/v1/status and /metrics */
#include <stdlib.h>
#include <string.h>

#include "kbs/admin/attestations.h"
#include "kbs/admin/audit_json.h"
#include "kbs/admin/json_values.h"
#include "kbs/admin/routes.h"
#include "kbs/admin/trusted.h"
#include "kbs/metrics.h"
#include "kbs/needs/needs.h"
#include "kbs/store/images.h"
#include "kbs/store/policies.h"
#include "kbs/store/volumes.h"

#define ATTESTATIONS_MAX 10

struct counts {
    unsigned images, images_retired, volumes, volumes_retired, policies, secrets, owners, auditors;
    time_t now;
};

static void count_image(void *context, const struct image *image)
{
    struct counts *counts = context;

    counts->images++;
    counts->images_retired += image->retired != 0;
}

static void count_volume(void *context, const struct volume *volume)
{
    struct counts *counts = context;

    counts->volumes++;
    counts->volumes_retired += volume->retired != 0;
}

static void count_policy(void *context, const struct policy_record *policy)
{
    (void)policy;
    ((struct counts *)context)->policies++;
}

static void count_secret(void *context, const struct secret *secret)
{
    (void)secret;
    ((struct counts *)context)->secrets++;
}

static void count_token(void *context, const struct token *token)
{
    struct counts *counts = context;

    if (token->revoked || (token->expires && token->expires <= counts->now))
        return;
    if (token->role == ROLE_OWNER)
        counts->owners++;
    else
        counts->auditors++;
}

MUST_CHECK static enum store_status count_all(struct store_unit *unit, struct counts *counts)
{
    enum store_status status = image_each(unit, count_image, counts);

    if (status == STORE_OK)
        status = volume_each(unit, count_volume, counts);
    if (status == STORE_OK)
        status = policy_each(unit, count_policy, counts);
    if (status == STORE_OK)
        status = secret_each(unit, count_secret, counts);
    if (status == STORE_OK)
        status = token_each(unit, count_token, counts);
    return status;
}

static json_t *counts_json(const struct counts *counts)
{
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "images", (int)counts->images,
                     "images_retired", (int)counts->images_retired, "volumes", (int)counts->volumes,
                     "volumes_retired", (int)counts->volumes_retired, "policies",
                     (int)counts->policies, "secrets", (int)counts->secrets, "owners",
                     (int)counts->owners, "auditors", (int)counts->auditors);
}

/* What the server lacks, and how that is mended. */
static json_t *needs_json(const struct needs *needs)
{
    json_t *list = json_array();

    for (enum need need = 0; need < NEED_COUNT; need++)
        if (needs->texts[need][0])
            json_array_append_new(list, json_pack("{s:s, s:s}", "need", need_name(need), "message",
                                                  needs->texts[need]));
    return list;
}

bool status_show(struct call *call)
{
    struct counts counts = {.now = call->request->now};
    struct needs needs;
    struct audit_check check;
    json_t *attestations = NULL;
    enum store_status status = count_all(call->unit, &counts);

    if (status == STORE_OK)
        status = needs_look(call->unit, call->kbs->attestation_policy, &needs);
    if (status == STORE_OK)
        status = audit_verify(call->unit, &check);
    if (status == STORE_OK)
        status = attestations_recent(call->unit, ATTESTATIONS_MAX, &attestations);
    if (status != STORE_OK) {
        json_decref(attestations);
        return call_refuse_status(call, status, "the store", "cannot be read");
    }
    return call_reply(call, HTTP_OK,
                      json_pack("{s:o, s:b, s:o, s:o, s:o, s:o}", "time",
                                json_time(call->request->now), "emulated_trusted",
                                trusts_emulated(call->kbs), "missing", needs_json(&needs), "audit",
                                audit_check_json(&check), "counts", counts_json(&counts),
                                "attestations", attestations));
}

bool metrics_show(struct call *call)
{
    char *text = metrics_text();

    if (!text)
        return call_refuse(call, HTTP_UNAVAILABLE, "out-of-memory", "out of memory");
    call->reply->status = HTTP_OK;
    call->reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
    call->reply->body = text;
    call->reply->body_size = strlen(text);
    return true;
}
