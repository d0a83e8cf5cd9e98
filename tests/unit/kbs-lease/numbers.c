/* SPDX-License-Identifier: MIT */
#include "tests/unit/kbs-lease/numbers.h"

#include <string.h>

#include "lib/base/bytes.h"

#define TIME 60 /* seconds of a lease */

void numbers_begin(struct numbers *numbers, bool same_epoch)
{
    *numbers = (struct numbers){
        .policy = {.mode = LEASE_CLASSED,
                   .same_epoch = same_epoch,
                   .manufacture = true,
                   .pending_time = TIME,
                   .active_time = TIME},
        .record = {.key_version = 1},
        .now = 1790000000,
    };
}

static void set_state(uint8_t state[RELEASE_STATE_SIZE], unsigned number, unsigned counter)
{
    memset(state, (int)number, RELEASE_STATE_SIZE);
    put_be64(state, counter);
}

static unsigned number_of(const uint8_t state[RELEASE_STATE_SIZE])
{
    return state[RELEASE_STATE_SIZE - 1];
}

static struct release_request request_of(const struct numbers *numbers,
                                         const struct numbers_request *asked)
{
    bool names_lease = asked->op != RELEASE_OP_PROBE && asked->op != RELEASE_OP_ACQUIRE;
    struct release_request request = {
        .op = (uint8_t)asked->op,
        .has_sequence = asked->op != RELEASE_OP_PROBE,
        .sequence = asked->sequence,
        .has_epoch = names_lease,
        .has_lease = names_lease,
        .epoch = numbers->epochs[asked->lease],
        .has_from = asked->from != 0,
        .has_to = asked->to != 0,
        .has_key_version = asked->key != 0,
        .key_version = asked->key,
    };

    memset(request.lease, (int)asked->lease, sizeof(request.lease));
    set_state(request.from, asked->from, asked->from_counter);
    set_state(request.to, asked->to, asked->to_counter);
    return request;
}

/* Moves the clock so that the lease's time is over, or is not. */
static void set_clock(struct numbers *numbers, bool expired)
{
    struct lease_record *record = &numbers->record;
    bool is_over = lease_left(record, &numbers->policy, numbers->now) == 0;

    if (record->phase != LEASE_PENDING && record->phase != LEASE_ACTIVE)
        return;
    if (expired && !is_over)
        numbers->now = record->renewed + TIME;
    else if (!expired && is_over)
        numbers->now = record->renewed;
}

static unsigned grant_of(const struct numbers *numbers, uint64_t epoch)
{
    for (unsigned i = 1; i <= numbers->grants; i++)
        if (numbers->epochs[i] == epoch)
            return i;
    return 0;
}

static struct numbers_record tell(const struct numbers *numbers, unsigned status)
{
    const struct lease_record *record = &numbers->record;
    const struct lease_complaint *complaint = &record->complaint;
    unsigned complained = complaint->has_state ? number_of(complaint->state) : NUMBERS_BLANK;

    return (struct numbers_record){
        .status = status,
        .phase = record->phase,
        .holder = record->holder[0],
        .lease = record->lease[0],
        .sequence = (unsigned)record->sequence,
        .epoch = grant_of(numbers, record->epoch),
        .committed = record->has_committed ? number_of(record->committed) : 0,
        .written_in = record->has_committed ? grant_of(numbers, record->committed_epoch) : 0,
        .frozen = record->frozen,
        .complaint = complaint->when != 0 ? complained : 0,
        .key = record->key_version,
        .rekeying = record->next_version != 0,
    };
}

struct numbers_record numbers_step(struct numbers *numbers, const struct numbers_request *asked)
{
    struct release_request request = request_of(numbers, asked);
    struct lease_input input = {.request = &request, .policy = &numbers->policy};
    struct lease_output output;

    set_clock(numbers, asked->expired);
    input.now = numbers->now;
    input.held_before = numbers->past >> asked->vm & 1;
    memset(input.report_id, (int)asked->vm, sizeof(input.report_id));
    memset(input.new_lease, (int)numbers->grants + 1, sizeof(input.new_lease));
    output = lease_step(&numbers->record, &input);
    if (output.granted) {
        numbers->epochs[++numbers->grants] = numbers->record.epoch;
        numbers->past |= (uint64_t)1 << asked->vm;
    }
    return tell(numbers, lease_status(output.reason));
}

bool numbers_equal(const struct numbers_record *a, const struct numbers_record *b)
{
    bool is_lease_equal =
        a->phase == LEASE_NONE ||
        (a->holder == b->holder && a->lease == b->lease && a->sequence == b->sequence);

    return is_lease_equal && a->status == b->status && a->phase == b->phase &&
           a->epoch == b->epoch && a->committed == b->committed && a->written_in == b->written_in &&
           a->frozen == b->frozen && a->complaint == b->complaint && a->key == b->key &&
           a->rekeying == b->rekeying;
}
