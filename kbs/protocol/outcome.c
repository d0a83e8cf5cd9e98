/* SPDX-License-Identifier: MIT */
#include "kbs/protocol/outcome.h"

#include <openssl/sha.h>

#include "kbs/json_hex.h"
#include "kbs/log.h"
#include "lib/base/bytes.h"

#define CHIP_HASH_SIZE 8 /* bytes: enough to tell chips apart, too few to ask the KDS about one */

const char *outcome_platform(enum platform platform)
{
    switch (platform) {
    case PLATFORM_AMD:
        return "AMD SEV-SNP";
    case PLATFORM_EMULATED:
        return "EMULATED: NOT CONFIDENTIAL";
    default:
        return "unknown";
    }
}

static json_t *chip_hash(const uint8_t chip_id[CHIP_ID_SIZE])
{
    uint8_t hash[SHA256_DIGEST_LENGTH] = {0};

    SHA256(chip_id, CHIP_ID_SIZE, hash);
    return json_hex(hash, CHIP_HASH_SIZE);
}

static json_t *tcb_text(const struct attested *attested)
{
    struct tcb tcb = product_tcb(attested->product, get_le64(&attested->report.reported_tcb));

    return json_sprintf("fmc %u bootloader %u tee %u snp %u microcode %u", tcb.fmc, tcb.bootloader,
                        tcb.tee, tcb.snp, tcb.microcode);
}

/* Adds value, which is handed over, to members; without memory for either, releases them: NULL. */
static json_t *add(json_t *members, const char *name, json_t *value)
{
    if (json_object_set_new(members, name, value) == 0)
        return members;
    json_decref(members);
    return NULL;
}

static json_t *add_attested(json_t *members, const struct attested *attested)
{
    const struct snp_report *report = &attested->report;

    members = add(members, "platform", json_string(outcome_platform(attested->platform)));
    members = add(members, "genuine", json_boolean(attested->genuine));
    members =
        add(members, "measurement", json_hex(report->measurement, sizeof(report->measurement)));
    members = add(members, "chip", chip_hash(report->chip_id));
    members = add(members, "report_id", json_hex(report->report_id, sizeof(report->report_id)));
    return add(members, "reported_tcb", tcb_text(attested));
}

static json_t *add_volume(json_t *members, const struct volume *volume)
{
    members = add(members, "volume", json_string(volume->name));
    members = add(members, "volume_id", json_hex(volume->id, sizeof(volume->id)));
    return add(members, "key_version", json_integer(volume->key_version));
}

static json_t *add_lease(json_t *members, const struct lease_record *lease)
{
    members = add(members, "epoch", json_integer((json_int_t)lease->epoch));
    members = add(members, "generation", json_integer((json_int_t)lease->generation));
    return lease->has_committed
               ? add(members, "counter", json_integer((json_int_t)lease_counter(lease->committed)))
               : members;
}

static json_t *members_of(const struct http_request *request, const struct outcome *outcome)
{
    const char *detail = outcome->detail && outcome->detail[0] ? outcome->detail : NULL;
    json_t *members = LOG_MEMBERS({"result", outcome->result}, {"reason", outcome->reason},
                                  {"text", outcome->text}, {"detail", detail},
                                  {"profile", outcome->profile}, {"operation", outcome->operation},
                                  {"policy", outcome->policy}, {"image", outcome->image},
                                  {"resource", outcome->resource}, {"peer", request->peer});

    if (outcome->attested)
        members = add_attested(members, outcome->attested);
    if (outcome->volume)
        members = add_volume(members, outcome->volume);
    if (outcome->lease)
        members = add_lease(members, outcome->lease);
    return members;
}

static void tell_refusal(struct outcome *outcome, const struct refusal *refusal)
{
    outcome->result = "refused";
    outcome->reason = refusal->code;
    outcome->text = refusal->text;
}

struct deciding {
    const struct http_request *request;
    const struct outcome *outcome; /* if it is not refused, and not more is found out */
    struct outcome *decided;
    outcome_decision *decide;
    void *context;
    json_t *members; /* of the line, borrowed */
    struct refusal refusal;
    enum store_status status; /* of the last decision */
};

/* An audit_also: the line is written behind it. */
static enum store_status decide(struct store_unit *unit, void *context)
{
    struct deciding *deciding = context;
    json_t *members;
    bool told;

    *deciding->decided = *deciding->outcome;
    deciding->refusal = refusal_of(REFUSAL_NONE);
    deciding->status = deciding->decide(unit, deciding->context, &deciding->refusal);
    if (deciding->status != STORE_OK)
        return deciding->status;
    if (deciding->refusal.status != HTTP_OK)
        tell_refusal(deciding->decided, &deciding->refusal);
    members = members_of(deciding->request, deciding->decided);
    json_object_clear(deciding->members);
    told = members && json_object_update(deciding->members, members) == 0;
    json_decref(members);
    return told ? STORE_OK : STORE_FAILED;
}

struct refusal outcome_decide(const struct kbs *kbs, const struct http_request *request,
                              struct outcome *outcome, outcome_decision *decision, void *context)
{
    struct outcome before = *outcome;
    struct deciding deciding = {
        .request = request,
        .outcome = &before,
        .decided = outcome,
        .decide = decision,
        .context = context,
        .members = json_object(),
    };
    enum store_status status =
        audit_record(kbs->audit, outcome->event, deciding.members, request->now, decide, &deciding);

    if (status == STORE_OK)
        return deciding.refusal;
    return deciding.status != STORE_OK ? refusal_of_store(deciding.status)
                                       : refusal_of(REFUSAL_AUDIT);
}

void outcome_refuse(const struct kbs *kbs, const struct http_request *request,
                    struct http_reply *reply, const struct refusal *refusal,
                    struct outcome *outcome)
{
    struct refusal answer = *refusal;
    json_t *members;

    tell_refusal(outcome, refusal);
    members = members_of(request, outcome);
    if (audit_record(kbs->audit, outcome->event, members, request->now, NULL, NULL) != STORE_OK)
        answer = refusal_of(REFUSAL_AUDIT);
    outcome_reply(reply, &answer);
}

void outcome_reply(struct http_reply *reply, const struct refusal *refusal)
{
    refusal_write(reply, refusal->status, refusal->variant, refusal->code);
}
