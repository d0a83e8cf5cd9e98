/* SPDX-License-Identifier: MIT */
#include "kbs/lease/lease.h"

#include <string.h>

#include "lib/base/bytes.h"

/*
 * Epochs are as many thousandths of a second since 1970 as whole seconds allow, and one more than
 * the last one where that is not more. So a store that was restored from a backup gives no epoch a
 * second time, and states of the lost time cannot pass for states of a new boot.
 */
#define EPOCHS_PER_SECOND 1000

static const struct {
    enum release_status status;
    const char *code, *text;
} reasons[] = {
#define R(name, status, code, words) [LEASE_REASON_##name] = {RELEASE_STATUS_##status, code, words},
    LEASE_REASONS(R)
#undef R
};

enum release_status lease_status(enum lease_reason reason)
{
    return reasons[reason].status;
}

const char *lease_reason_code(enum lease_reason reason)
{
    return reasons[reason].code;
}

const char *lease_reason_text(enum lease_reason reason)
{
    return reasons[reason].text;
}

uint64_t lease_counter(const uint8_t state[RELEASE_STATE_SIZE])
{
    return get_be64(state);
}

/* Time */

/* A clock that was set back makes nobody wait for more than one lease's time. */
static void follow_clock(struct lease_record *record, time_t now, struct lease_output *output)
{
    if (record->phase == LEASE_NONE || record->renewed <= now)
        return;
    record->renewed = now;
    output->changed = true;
}

static bool is_held(const struct lease_record *record)
{
    return record->phase == LEASE_PENDING || record->phase == LEASE_ACTIVE;
}

uint32_t lease_left(const struct lease_record *record, const struct lease_policy *policy,
                    time_t now)
{
    uint32_t time = record->phase == LEASE_PENDING ? policy->pending_time : policy->active_time;
    time_t passed = now > record->renewed ? now - record->renewed : 0;

    if (!is_held(record))
        return 0;
    if (time == LEASE_FOREVER)
        return LEASE_FOREVER;
    return passed < (time_t)time ? time - (uint32_t)passed : 0;
}

/* ACQUIRE */

static uint64_t next_epoch(const struct lease_record *record, time_t now)
{
    uint64_t by_clock = now > 0 ? (uint64_t)now * EPOCHS_PER_SECOND : 0;

    return by_clock > record->epoch ? by_clock : record->epoch + 1;
}

static enum lease_reason grant(struct lease_record *record, const struct lease_input *input,
                               struct lease_output *output)
{
    record->epoch = next_epoch(record, input->now);
    record->phase = LEASE_PENDING;
    memcpy(record->lease, input->new_lease, sizeof(record->lease));
    memcpy(record->holder, input->report_id, sizeof(record->holder));
    record->sequence = input->request->sequence;
    record->granted = record->renewed = input->now;
    output->changed = output->granted = output->gives_key = true;
    return LEASE_REASON_OK;
}

static bool is_holder(const struct lease_record *record, const struct lease_input *input)
{
    return record->phase != LEASE_NONE &&
           memcmp(record->holder, input->report_id, sizeof(record->holder)) == 0;
}

static enum lease_reason acquire(struct lease_record *record, const struct lease_input *input,
                                 struct lease_output *output)
{
    if (is_holder(record, input)) {
        /* The same grant again, since its answer was lost; it does not last longer for that. */
        output->gives_key = record->phase == LEASE_PENDING;
        return output->gives_key ? LEASE_REASON_OK : LEASE_REASON_CONFIRMED;
    }
    if (input->held_before)
        return LEASE_REASON_HELD_BEFORE;
    follow_clock(record, input->now, output);
    output->retry_after = lease_left(record, input->policy, input->now);
    return output->retry_after > 0 ? LEASE_REASON_BUSY : grant(record, input, output);
}

/* What the holder of the lease asks */

static enum lease_reason hold(struct lease_record *record, const struct lease_input *input,
                              enum lease_phase phase, struct lease_output *output)
{
    record->phase = phase;
    record->sequence = input->request->sequence;
    record->renewed = input->now;
    output->changed = true;
    return LEASE_REASON_OK;
}

/* The state that the request builds on is the committed one, if there is one. */
static bool is_from_committed(const struct lease_record *record,
                              const struct release_request *request)
{
    return request->has_from == record->has_committed &&
           (!request->has_from ||
            memcmp(request->from, record->committed, RELEASE_STATE_SIZE) == 0);
}

static bool follows(const struct lease_record *record, const struct lease_policy *policy,
                    const uint8_t to[RELEASE_STATE_SIZE])
{
    uint64_t before = record->has_committed ? lease_counter(record->committed) : 0;
    uint64_t counter = lease_counter(to);

    /* The first state counts from where it comes: elsewhere, or boots that were cut short. */
    if (policy->same_epoch || !record->has_committed)
        return counter > before;
    return before != UINT64_MAX && counter == before + 1;
}

/* The answer to the request that committed this state was lost. */
static bool is_committed_already(const struct lease_record *record,
                                 const uint8_t to[RELEASE_STATE_SIZE])
{
    return record->has_committed && record->committed_epoch == record->epoch &&
           memcmp(to, record->committed, RELEASE_STATE_SIZE) == 0;
}

static void commit(struct lease_record *record, const uint8_t to[RELEASE_STATE_SIZE])
{
    record->has_committed = true;
    record->committed_epoch = record->epoch;
    memcpy(record->committed, to, RELEASE_STATE_SIZE);
}

/* Nobody could open a committed state under a key that the KBS does not release next. */
static bool knows_key(const struct lease_record *record, const struct release_request *request)
{
    return !request->has_key_version || request->key_version == record->key_version ||
           (record->next_version != 0 && request->key_version == record->next_version);
}

/* With the state the key changes that opens it; the one before lasts until the next boot. */
static void change_key(struct lease_record *record, const struct release_request *request,
                       struct lease_output *output)
{
    output->destroyed = record->last_version;
    record->last_version = 0;
    if (record->next_version == 0 || !request->has_key_version ||
        request->key_version != record->next_version)
        return;
    record->last_version = record->key_version;
    record->key_version = output->promoted = record->next_version;
    record->next_version = 0;
}

static enum lease_reason advance(struct lease_record *record, const struct lease_input *input,
                                 enum lease_phase phase, struct lease_output *output)
{
    const struct release_request *request = input->request;

    if (request->has_to && is_committed_already(record, request->to))
        return hold(record, input, phase, output);
    if (!is_from_committed(record, request) ||
        (request->has_to && !follows(record, input->policy, request->to)))
        return LEASE_REASON_STALE;
    if (request->has_to)
        commit(record, request->to);
    return hold(record, input, phase, output);
}

static enum lease_reason confirm(struct lease_record *record, const struct lease_input *input,
                                 struct lease_output *output)
{
    const struct release_request *request = input->request;
    bool again = is_committed_already(record, request->to);
    enum lease_reason reason;

    if (record->phase != LEASE_PENDING && !again)
        return LEASE_REASON_STALE;
    if (!knows_key(record, request))
        return LEASE_REASON_KEY_UNKNOWN;
    if (request->has_ek_digest && record->has_ek_digest &&
        memcmp(request->ek_digest, record->ek_digest, sizeof(record->ek_digest)) != 0)
        return LEASE_REASON_EK_CHANGED;
    reason = advance(record, input, LEASE_ACTIVE, output);
    if (reason != LEASE_REASON_OK || again)
        return reason;
    change_key(record, request, output);
    if (request->has_ek_digest) {
        record->has_ek_digest = true;
        memcpy(record->ek_digest, request->ek_digest, sizeof(record->ek_digest));
    }
    return reason;
}

/* What a VM says that never got to CONFIRM; it gives up its lease, so that nobody waits for it. */
static enum lease_reason complain(struct lease_record *record, const struct lease_input *input,
                                  struct lease_output *output)
{
    const struct release_request *request = input->request;

    if (record->phase != LEASE_PENDING)
        return LEASE_REASON_COMPLAINT_IGNORED;
    record->phase = LEASE_NONE;
    record->complaint = (struct lease_complaint){.when = input->now, .has_state = request->has_to};
    memcpy(record->complaint.state, request->to, RELEASE_STATE_SIZE);
    memcpy(record->complaint.report_id, input->report_id, RELEASE_REPORT_ID_SIZE);
    output->changed = true;
    return LEASE_REASON_DISK_REFUSED;
}

static enum lease_reason holder_asks(struct lease_record *record, const struct lease_input *input,
                                     struct lease_output *output)
{
    uint8_t op = input->request->op;

    if (op == RELEASE_OP_CONFIRM)
        return confirm(record, input, output);
    if (record->phase == LEASE_PENDING)
        return LEASE_REASON_NOT_CONFIRMED;
    if (op == RELEASE_OP_RENEW)
        return hold(record, input, LEASE_ACTIVE, output);
    return advance(record, input, op == RELEASE_OP_RELEASE ? LEASE_RELEASED : LEASE_ACTIVE, output);
}

static bool names_lease(const struct lease_record *record, const struct lease_input *input)
{
    const struct release_request *request = input->request;

    return is_holder(record, input) && request->epoch == record->epoch &&
           memcmp(request->lease, record->lease, sizeof(record->lease)) == 0;
}

static enum lease_reason decide(struct lease_record *record, const struct lease_input *input,
                                struct lease_output *output)
{
    uint8_t op = input->request->op;

    if (record->frozen && op != RELEASE_OP_COMPLAIN)
        return LEASE_REASON_FROZEN;
    if (op == RELEASE_OP_PROBE) {
        output->retry_after = lease_left(record, input->policy, input->now);
        return output->retry_after > 0 ? LEASE_REASON_BUSY : LEASE_REASON_OK;
    }
    if (op == RELEASE_OP_ACQUIRE)
        return acquire(record, input, output);
    if (!names_lease(record, input))
        return LEASE_REASON_SUPERSEDED;
    if (input->request->sequence <= record->sequence)
        return LEASE_REASON_LATE;
    return op == RELEASE_OP_COMPLAIN ? complain(record, input, output)
                                     : holder_asks(record, input, output);
}

struct lease_output lease_step(struct lease_record *record, const struct lease_input *input)
{
    struct lease_output output = {0};

    output.reason = decide(record, input, &output);
    return output;
}

/* What an answer tells */

uint32_t lease_flags(const struct lease_record *record, const struct lease_policy *policy)
{
    uint32_t flags = (uint32_t)policy->mode;

    if (policy->same_epoch)
        flags |= RELEASE_FLAG_SAME_EPOCH;
    if (policy->ephemeral)
        flags |= RELEASE_FLAG_EPHEMERAL;
    if (record->next_version != 0)
        flags |= RELEASE_FLAG_REKEY;
    if (!record->has_committed && policy->manufacture)
        flags |= RELEASE_FLAG_MANUFACTURE;
    if (!record->has_committed && policy->adopt)
        flags |= RELEASE_FLAG_ADOPT;
    return flags;
}

static void tell_lease(const struct lease_record *record, const struct lease_policy *policy,
                       struct release_record *answer)
{
    answer->has_epoch = answer->has_lease = answer->has_ttl = true;
    answer->epoch = record->epoch;
    memcpy(answer->lease, record->lease, sizeof(answer->lease));
    answer->ttl = record->phase == LEASE_PENDING ? policy->pending_time : policy->active_time;
}

static void tell_committed(const struct lease_record *record, const struct lease_policy *policy,
                           struct release_record *answer)
{
    answer->has_committed = record->has_committed;
    memcpy(answer->committed, record->committed, sizeof(answer->committed));
    answer->has_committed_epoch =
        record->has_committed && policy->same_epoch && record->committed_epoch != 0;
    answer->committed_epoch = record->committed_epoch;
}

static void tell_holder(const struct lease_record *record, const struct lease_input *input,
                        const struct lease_output *output, struct release_record *answer)
{
    time_t held = input->now - record->granted;

    answer->has_retry_after = answer->has_holder = answer->has_held_for = true;
    answer->retry_after = output->retry_after;
    memcpy(answer->holder, record->holder, sizeof(answer->holder));
    answer->held_for = held < 0 ? 0 : held > UINT32_MAX ? UINT32_MAX : (uint32_t)held;
}

void lease_tell(const struct lease_record *record, const struct lease_input *input,
                const struct lease_output *output, struct release_record *answer)
{
    answer->has_generation = answer->has_flags = true;
    answer->generation = record->generation;
    answer->flags = lease_flags(record, input->policy);
    if (output->reason == LEASE_REASON_BUSY)
        tell_holder(record, input, output, answer);
    else if (output->reason == LEASE_REASON_OK && input->request->op != RELEASE_OP_PROBE)
        tell_lease(record, input->policy, answer);
    if (output->gives_key || (output->reason == LEASE_REASON_OK && answer->has_lease))
        tell_committed(record, input->policy, answer);
}

/* The owner's commands */

static void end_lease(struct lease_record *record)
{
    record->phase = LEASE_NONE;
    record->generation++;
}

bool lease_break(struct lease_record *record)
{
    if (record->phase == LEASE_NONE)
        return false;
    end_lease(record);
    return true;
}

static bool set_frozen(struct lease_record *record, bool frozen)
{
    if (record->frozen == frozen)
        return false;
    record->frozen = frozen;
    record->generation++;
    return true;
}

bool lease_freeze(struct lease_record *record)
{
    return set_frozen(record, true);
}

bool lease_thaw(struct lease_record *record)
{
    return set_frozen(record, false);
}

/* The TPM to come is another one. */
static void forget_ek(struct lease_record *record)
{
    record->has_ek_digest = false;
    memset(record->ek_digest, 0, sizeof(record->ek_digest));
}

bool lease_accept(struct lease_record *record)
{
    struct lease_complaint complaint = record->complaint;

    if (complaint.when == 0)
        return false;
    record->has_committed = complaint.has_state;
    memcpy(record->committed, complaint.state, sizeof(record->committed));
    /* Exactly this state, and no later one of the boot that wrote it. */
    record->committed_epoch = 0;
    if (!complaint.has_state)
        forget_ek(record);
    record->complaint = (struct lease_complaint){0};
    end_lease(record);
    return true;
}

bool lease_forget(struct lease_record *record)
{
    if (!record->has_committed && record->phase == LEASE_NONE && record->next_version == 0)
        return false;
    record->next_version = 0;
    record->has_committed = false;
    memset(record->committed, 0, sizeof(record->committed));
    record->committed_epoch = 0;
    forget_ek(record);
    record->complaint = (struct lease_complaint){0};
    end_lease(record);
    return true;
}

/* The holder is nobody: no chip gives out a report_id of zeros. */
void lease_restored(struct lease_record *record, time_t now)
{
    record->phase = LEASE_ACTIVE;
    memset(record->lease, 0, sizeof(record->lease));
    memset(record->holder, 0, sizeof(record->holder));
    record->sequence = 0;
    record->granted = record->renewed = now;
    /* It is not known to be about a disk of now. */
    record->complaint = (struct lease_complaint){0};
    record->generation++;
}

bool lease_rekey(struct lease_record *record, uint32_t version)
{
    if (record->next_version != 0)
        return false;
    record->next_version = version;
    record->generation++;
    return true;
}

bool lease_cancel_rekey(struct lease_record *record)
{
    if (record->next_version == 0)
        return false;
    record->next_version = 0;
    if (record->phase == LEASE_PENDING)
        end_lease(record);
    else
        record->generation++;
    return true;
}
