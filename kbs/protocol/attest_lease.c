/* SPDX-License-Identifier: MIT */
#include "kbs/protocol/attest_lease.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "kbs/protocol/attestation.h"
#include "kbs/store/leases.h"
#include "lib/base/hex.h"

#define SHORT_ID 8 /* bytes of a report_id or root that are enough to tell them apart */

static_assert(RELEASE_REPORT_ID_SIZE == sizeof(((struct snp_report *)0)->report_id),
              "a lease is held by a report_id");

/* Words for the audit log */

static const char *short_hex(const uint8_t *bytes, char text[2 * SHORT_ID + 1])
{
    hex_text(bytes, SHORT_ID, text);
    return text;
}

static void tell_busy(const struct lease_turn *turn, time_t now, char *out, size_t size)
{
    const struct lease_record *record = &turn->record;
    char holder[2 * SHORT_ID + 1];
    int used = snprintf(out, size, "report_id %s... has it for %lld s",
                        short_hex(record->holder, holder), (long long)(now - record->granted));

    if (turn->output.retry_after == LEASE_FOREVER)
        snprintf(out + used, size - (size_t)used, ", and until the owner breaks it");
    else
        snprintf(out + used, size - (size_t)used, ", and for %" PRIu32 " s more",
                 turn->output.retry_after);
}

static void tell_state(const char *what, bool there, const uint8_t state[RELEASE_STATE_SIZE],
                       char *out, size_t size)
{
    char root[2 * SHORT_ID + 1];

    if (there)
        snprintf(out, size, "%s counter %" PRIu64 " root %s...", what, lease_counter(state),
                 short_hex(state + sizeof(uint64_t), root));
    else
        snprintf(out, size, "%s none", what);
}

static void tell_states(const struct lease_turn *turn, const struct release_request *request,
                        char *out, size_t size)
{
    char committed[64], from[64], to[64];

    tell_state("committed", turn->record.has_committed, turn->record.committed, committed,
               sizeof(committed));
    tell_state("from", request->has_from, request->from, from, sizeof(from));
    tell_state(request->op == RELEASE_OP_COMPLAIN ? "on the disk" : "to", request->has_to,
               request->to, to, sizeof(to));
    if (request->op == RELEASE_OP_COMPLAIN)
        snprintf(out, size, "%s, %s", to, committed);
    else
        snprintf(out, size, "%s, %s, %s", from, to, committed);
}

static void tell_keys(const struct lease_output *output, char *out, size_t size)
{
    size_t used = strlen(out);

    if (output->promoted)
        used += (size_t)snprintf(out + used, size - used,
                                 "; the volume's key is version %" PRIu32 " from now on",
                                 output->promoted);
    if (output->destroyed && used < size)
        snprintf(out + used, size - used, "; version %" PRIu32 " of its key is destroyed",
                 output->destroyed);
}

static void tell(const struct attestation *attestation, struct lease_turn *turn)
{
    const struct release_request *request = &attestation->asked;

    if (turn->output.reason == LEASE_REASON_BUSY)
        tell_busy(turn, attestation->request->now, turn->detail, sizeof(turn->detail));
    else if (request->has_to || request->op == RELEASE_OP_COMPLAIN)
        tell_states(turn, request, turn->detail, sizeof(turn->detail));
    tell_keys(&turn->output, turn->detail, sizeof(turn->detail));
}

/* The rules */

static struct refusal refusal_of_reason(enum lease_reason reason)
{
    return (struct refusal){401, "PolicyDeny", lease_reason_code(reason),
                            lease_reason_text(reason)};
}

/* A request that the volume does not fit. */
static void deny(struct lease_turn *turn, enum refusal_kind kind)
{
    turn->denial = refusal_of(kind);
}

static enum store_status step(const struct attestation *attestation, struct store_unit *unit,
                              struct lease_turn *turn)
{
    struct lease_input input = {
        .request = &attestation->asked,
        .policy = &turn->policy,
        .now = attestation->request->now,
    };
    enum store_status status;

    memcpy(input.report_id, attestation->grant.attested.report.report_id, sizeof(input.report_id));
    memcpy(input.new_lease, turn->new_lease, sizeof(input.new_lease));
    status = lease_was_held(unit, attestation->volume.id, input.report_id, &input.held_before);
    if (status != STORE_OK)
        return status;
    turn->applies = true;
    turn->output = lease_step(&turn->record, &input);
    if (lease_status(turn->output.reason) != RELEASE_STATUS_OK &&
        input.request->op != RELEASE_OP_PROBE)
        turn->denial = refusal_of_reason(turn->output.reason);
    tell(attestation, turn);
    return STORE_OK;
}

/* What the rules say now. turn begins with its new_lease alone. */
static enum store_status take_turn(const struct attestation *attestation, struct store_unit *unit,
                                   struct lease_turn *turn)
{
    bool is_signed = attestation->grant.dialect == DIALECT_SIGNED;
    const struct release_request *asked = &attestation->asked; /* zero in another dialect */
    enum store_status status = lease_load(unit, &attestation->volume, &turn->policy, &turn->record);

    if (status != STORE_OK && status != STORE_NOT_FOUND)
        return status;
    if (turn->policy.mode == LEASE_OFF) {
        if (turn->record.frozen)
            turn->denial = refusal_of_reason(LEASE_REASON_FROZEN);
        else if (asked->op > RELEASE_OP_ACQUIRE)
            deny(turn, REFUSAL_LEASE_NONE);
        return STORE_OK;
    }
    if (!is_signed || (asked->op == RELEASE_OP_ACQUIRE && !asked->has_sequence)) {
        deny(turn, REFUSAL_LEASE_REQUIRED);
        return STORE_OK;
    }
    return step(attestation, unit, turn);
}

/* Makes the turn the attestation's. */
static void adopt(struct attestation *attestation, const struct lease_turn *turn)
{
    struct grant *grant = &attestation->grant;

    attestation->lease = *turn;
    grant->denied = turn->denial.code != NULL;
    grant->has_lease = turn->applies && turn->output.gives_key;
    memcpy(grant->lease, turn->record.lease, sizeof(grant->lease));
}

bool attestation_foresee_lease(struct attestation *attestation)
{
    struct lease_turn turn = {0};
    struct store_unit *unit;
    enum store_status status;

    if (!attestation->has_volume || attestation->denial.code)
        return true;
    if (RAND_bytes(turn.new_lease, sizeof(turn.new_lease)) != 1)
        return attestation_refuse(attestation, refusal_of(REFUSAL_MEMORY), "no random numbers");
    status = store_begin_reading(attestation->kbs->store, &unit);
    if (status == STORE_OK) {
        status = take_turn(attestation, unit, &turn);
        store_abandon(unit);
    }
    if (status != STORE_OK)
        return attestation_refuse(attestation, refusal_of_store(status), NULL);
    adopt(attestation, &turn);
    return turn.applies || !turn.denial.code || attestation->grant.dialect == DIALECT_SIGNED ||
           attestation_refuse(attestation, turn.denial, NULL);
}

/* Whether two turns give the same answer. */
static bool is_same(const struct lease_turn *a, const struct lease_turn *b)
{
    const struct lease_record *x = &a->record, *y = &b->record;

    return a->applies == b->applies && a->denial.code == b->denial.code &&
           a->output.reason == b->output.reason && a->output.gives_key == b->output.gives_key &&
           a->output.retry_after == b->output.retry_after && x->phase == y->phase &&
           x->epoch == y->epoch && memcmp(x->lease, y->lease, sizeof(x->lease)) == 0 &&
           memcmp(x->holder, y->holder, sizeof(x->holder)) == 0 && x->granted == y->granted &&
           x->generation == y->generation && x->has_committed == y->has_committed &&
           memcmp(x->committed, y->committed, sizeof(x->committed)) == 0 &&
           x->committed_epoch == y->committed_epoch && x->key_version == y->key_version &&
           x->next_version == y->next_version && a->policy.mode == b->policy.mode &&
           lease_flags(x, &a->policy) == lease_flags(y, &b->policy) &&
           a->policy.pending_time == b->policy.pending_time &&
           a->policy.active_time == b->policy.active_time;
}

static enum store_status save(const struct attestation *attestation, struct store_unit *unit,
                              const struct lease_turn *turn)
{
    const uint8_t *volume = attestation->volume.id;
    const struct lease_output *output = &turn->output;
    enum store_status status = STORE_OK;

    if (output->changed)
        status = lease_save(unit, volume, &turn->record);
    if (status == STORE_OK && output->granted)
        status = lease_note_holder(unit, volume, turn->record.holder, turn->record.epoch);
    if (status == STORE_OK && output->promoted)
        status = volume_promote_key(unit, volume, output->promoted);
    if (status == STORE_OK && output->destroyed)
        status = volume_destroy_key(unit, volume, output->destroyed);
    return status;
}

static void tell_outcome(const struct lease_turn *turn, struct outcome *outcome)
{
    if (turn->denial.code) {
        outcome->result = "denied";
        outcome->reason = turn->denial.code;
        outcome->text = turn->denial.text;
    } else if (turn->applies && turn->output.reason != LEASE_REASON_OK) {
        outcome->reason = lease_reason_code(turn->output.reason);
        outcome->text = lease_reason_text(turn->output.reason);
    }
    if (turn->detail[0] != '\0')
        outcome->detail = turn->detail;
    outcome->lease = turn->applies ? &turn->record : NULL;
}

enum store_status attestation_apply_lease(struct attestation *attestation, struct store_unit *unit,
                                          struct outcome *outcome, struct refusal *refusal)
{
    struct lease_turn turn = {0};
    enum store_status status;

    memcpy(turn.new_lease, attestation->lease.new_lease, sizeof(turn.new_lease));
    status = take_turn(attestation, unit, &turn);
    if (status == STORE_OK)
        status = save(attestation, unit, &turn);
    if (status != STORE_OK)
        return status;
    if (!is_same(&attestation->lease, &turn)) {
        adopt(attestation, &turn);
        if (!attestation_make_reply(attestation, unit))
            *refusal = attestation->refusal;
    }
    tell_outcome(&attestation->lease, outcome);
    return STORE_OK;
}

enum store_status lease_permits(struct store_unit *unit, const struct grant *grant,
                                const struct volume *volume, struct refusal *refusal)
{
    struct lease_policy policy;
    struct lease_record record;
    enum store_status status = lease_load(unit, volume, &policy, &record);

    if (status == STORE_NOT_FOUND)
        status = STORE_OK;
    if (status != STORE_OK)
        return status;
    if (policy.mode != LEASE_OFF && !grant->has_lease)
        *refusal = refusal_of(REFUSAL_LEASE_REQUIRED);
    else if (record.frozen)
        *refusal = refusal_of_reason(LEASE_REASON_FROZEN);
    else if (policy.mode != LEASE_OFF &&
             (record.phase == LEASE_NONE ||
              memcmp(record.lease, grant->lease, sizeof(record.lease)) != 0))
        *refusal = refusal_of_reason(LEASE_REASON_SUPERSEDED);
    return STORE_OK;
}
