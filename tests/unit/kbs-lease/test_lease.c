/* SPDX-License-Identifier: MIT */
/* The rules of leases, one by one (docs/anchoring.md). */
#include <string.h>

#include "tests/unit/kbs-lease/numbers.h"
#include "tests/unit/registered.h"

#define TIME 60

static struct numbers numbers;
static unsigned sequence;

static struct numbers_record ask(unsigned op, unsigned vm, unsigned lease, unsigned from,
                                 unsigned to)
{
    /* State N has counter N. */
    struct numbers_request request = {
        .op = op,
        .vm = vm,
        .lease = lease,
        .from = from,
        .to = to,
        .sequence = sequence + 1,
        .from_counter = from,
        .to_counter = to,
        .expired = numbers.record.phase != LEASE_NONE &&
                   lease_left(&numbers.record, &numbers.policy, numbers.now) == 0,
    };

    sequence++;
    return numbers_step(&numbers, &request);
}

#define EXPECT(status_wanted, ...)                                                                 \
    assert_int_equal(ask(__VA_ARGS__).status, RELEASE_STATUS_##status_wanted)

static void begin(void)
{
    sequence = 0;
    numbers_begin(&numbers, false);
}

/* VM 1 runs with lease 1 and state 1. */
static void begin_active(void)
{
    begin();
    EXPECT(OK, RELEASE_OP_ACQUIRE, 1, 0, 0, 0);
    EXPECT(OK, RELEASE_OP_CONFIRM, 1, 1, 0, 1);
}

TEST(a_second_vm_is_busy_until_the_time_is_over)
{
    begin_active();
    EXPECT(BUSY, RELEASE_OP_ACQUIRE, 2, 0, 0, 0);
    numbers.now += TIME - 1;
    EXPECT(BUSY, RELEASE_OP_ACQUIRE, 2, 0, 0, 0);
    numbers.now += 1;
    EXPECT(OK, RELEASE_OP_ACQUIRE, 2, 0, 0, 0);
    assert_int_equal(numbers.grants, 2);
}

TEST(a_vm_whose_lease_was_taken_over_is_superseded_for_ever)
{
    begin_active();
    numbers.now += TIME;
    EXPECT(OK, RELEASE_OP_ACQUIRE, 2, 0, 0, 0);
    EXPECT(SUPERSEDED, RELEASE_OP_ANCHOR, 1, 1, 1, 2);
    EXPECT(SUPERSEDED, RELEASE_OP_RENEW, 1, 1, 0, 0);
    EXPECT(SUPERSEDED, RELEASE_OP_ACQUIRE, 1, 0, 0, 0);
    numbers.now += TIME;
    EXPECT(SUPERSEDED, RELEASE_OP_ACQUIRE, 1, 0, 0, 0);
}

TEST(a_lease_that_ran_out_goes_on_if_nobody_took_over)
{
    begin_active();
    numbers.now += 10 * TIME;
    EXPECT(OK, RELEASE_OP_ANCHOR, 1, 1, 1, 2);
    EXPECT(BUSY, RELEASE_OP_ACQUIRE, 2, 0, 0, 0);
}

TEST(a_repeated_acquire_gives_the_same_grant_and_no_more_time)
{
    begin();
    EXPECT(OK, RELEASE_OP_ACQUIRE, 1, 0, 0, 0);
    numbers.now += TIME - 1;
    EXPECT(OK, RELEASE_OP_ACQUIRE, 1, 0, 0, 0);
    assert_int_equal(numbers.grants, 1);
    assert_int_equal(lease_left(&numbers.record, &numbers.policy, numbers.now), 1);
}

TEST(after_confirm_the_key_is_not_given_again)
{
    begin_active();
    EXPECT(RETRY, RELEASE_OP_ACQUIRE, 1, 0, 0, 0);
}

TEST(a_repeated_confirm_or_anchor_is_acknowledged_again)
{
    begin_active();
    EXPECT(OK, RELEASE_OP_CONFIRM, 1, 1, 0, 1);
    EXPECT(OK, RELEASE_OP_ANCHOR, 1, 1, 1, 2);
    EXPECT(OK, RELEASE_OP_ANCHOR, 1, 1, 1, 2);
    assert_int_equal(ask(RELEASE_OP_PROBE, 3, 0, 0, 0).committed, 2);
}

TEST(only_what_follows_the_committed_state_is_anchored)
{
    begin_active();
    EXPECT(OK, RELEASE_OP_ANCHOR, 1, 1, 1, 2);
    EXPECT(STALE, RELEASE_OP_ANCHOR, 1, 1, 1, 3);
    EXPECT(STALE, RELEASE_OP_ANCHOR, 1, 1, 2, 4);
    EXPECT(STALE, RELEASE_OP_ANCHOR, 1, 1, 2, 1);
    numbers.policy.same_epoch = true;
    EXPECT(OK, RELEASE_OP_ANCHOR, 1, 1, 2, 4);
}

TEST(a_confirm_without_a_state_is_for_a_volume_without_one)
{
    begin_active();
    numbers.now += TIME;
    EXPECT(OK, RELEASE_OP_ACQUIRE, 2, 0, 0, 0);
    EXPECT(STALE, RELEASE_OP_CONFIRM, 2, 2, 0, 2);
    EXPECT(STALE, RELEASE_OP_ANCHOR, 2, 2, 1, 2);
    EXPECT(OK, RELEASE_OP_CONFIRM, 2, 2, 1, 2);
}

TEST(a_released_lease_is_taken_at_once_or_taken_up_again)
{
    begin_active();
    EXPECT(OK, RELEASE_OP_RELEASE, 1, 1, 1, 0);
    EXPECT(OK, RELEASE_OP_RENEW, 1, 1, 0, 0);
    EXPECT(BUSY, RELEASE_OP_ACQUIRE, 2, 0, 0, 0);
    EXPECT(OK, RELEASE_OP_RELEASE, 1, 1, 1, 2);
    assert_int_equal(ask(RELEASE_OP_PROBE, 3, 0, 0, 0).committed, 2);
    EXPECT(OK, RELEASE_OP_ACQUIRE, 2, 0, 0, 0);
    EXPECT(SUPERSEDED, RELEASE_OP_RENEW, 1, 1, 0, 0);
}

TEST(a_late_request_changes_nothing)
{
    struct numbers_request late = {
        .op = RELEASE_OP_RELEASE, .vm = 1, .lease = 1, .from = 1, .from_counter = 1, .sequence = 2};

    begin_active();
    EXPECT(OK, RELEASE_OP_RENEW, 1, 1, 0, 0);
    assert_int_equal(numbers_step(&numbers, &late).status, RELEASE_STATUS_RETRY);
    assert_int_equal(numbers.record.phase, LEASE_ACTIVE);
}

TEST(a_complaint_gives_the_lease_up_and_keeps_the_state)
{
    begin_active();
    numbers.now += TIME;
    EXPECT(OK, RELEASE_OP_ACQUIRE, 2, 0, 0, 0);
    EXPECT(OK, RELEASE_OP_COMPLAIN, 2, 2, 0, 3);
    assert_int_equal(ask(RELEASE_OP_PROBE, 3, 0, 0, 0).committed, 1);
    assert_int_equal(ask(RELEASE_OP_PROBE, 3, 0, 0, 0).complaint, 3);
    EXPECT(OK, RELEASE_OP_ACQUIRE, 3, 0, 0, 0);
}

TEST(a_vm_that_runs_complains_in_vain)
{
    begin_active();
    EXPECT(OK, RELEASE_OP_COMPLAIN, 1, 1, 0, 3);
    assert_int_equal(numbers.record.complaint.when, 0);
    assert_int_equal(numbers.record.phase, LEASE_ACTIVE);
}

TEST(what_the_owner_accepts_is_the_committed_state_for_the_next_vm)
{
    begin_active();
    assert_false(lease_accept(&numbers.record));
    numbers.now += TIME;
    EXPECT(OK, RELEASE_OP_ACQUIRE, 2, 0, 0, 0);
    EXPECT(OK, RELEASE_OP_COMPLAIN, 2, 2, 0, 9);
    assert_true(lease_accept(&numbers.record));
    assert_false(lease_accept(&numbers.record));
    EXPECT(OK, RELEASE_OP_ACQUIRE, 3, 0, 0, 0);
    EXPECT(OK, RELEASE_OP_CONFIRM, 3, 3, 9, 10);
}

/* Each boot that is cut short before the very first CONFIRM counts one on. */
TEST(the_first_state_may_have_any_count)
{
    begin();
    EXPECT(OK, RELEASE_OP_ACQUIRE, 1, 0, 0, 0);
    EXPECT(OK, RELEASE_OP_CONFIRM, 1, 1, 0, 4);
    EXPECT(STALE, RELEASE_OP_ANCHOR, 1, 1, 4, 6);
    EXPECT(OK, RELEASE_OP_ANCHOR, 1, 1, 4, 5);
}

TEST(with_a_key_that_opens_nothing_yet_no_state_is_committed)
{
    begin();
    assert_false(lease_forget(&numbers.record));
    EXPECT(OK, RELEASE_OP_ACQUIRE, 1, 0, 0, 0);
    assert_true(lease_forget(&numbers.record));
    EXPECT(SUPERSEDED, RELEASE_OP_CONFIRM, 1, 1, 0, 1);
    begin_active();
    assert_true(lease_rekey(&numbers.record, 2));
    assert_true(lease_forget(&numbers.record));
    assert_false(numbers.record.has_committed);
    assert_int_equal(numbers.record.next_version, 0);
    EXPECT(SUPERSEDED, RELEASE_OP_ANCHOR, 1, 1, 1, 2);
    assert_false(lease_forget(&numbers.record));
}

TEST(a_blank_disk_that_is_accepted_may_get_a_tpm_once_more)
{
    begin_active();
    assert_int_equal(lease_flags(&numbers.record, &numbers.policy) & RELEASE_FLAG_MANUFACTURE, 0);
    numbers.now += TIME;
    EXPECT(OK, RELEASE_OP_ACQUIRE, 2, 0, 0, 0);
    EXPECT(OK, RELEASE_OP_COMPLAIN, 2, 2, 0, 0);
    assert_true(lease_accept(&numbers.record));
    assert_int_not_equal(lease_flags(&numbers.record, &numbers.policy) & RELEASE_FLAG_MANUFACTURE,
                         0);
}

TEST(a_broken_lease_cannot_be_used_again)
{
    begin_active();
    assert_true(lease_break(&numbers.record));
    assert_false(lease_break(&numbers.record));
    EXPECT(SUPERSEDED, RELEASE_OP_RENEW, 1, 1, 0, 0);
    EXPECT(SUPERSEDED, RELEASE_OP_ACQUIRE, 1, 0, 0, 0);
    EXPECT(OK, RELEASE_OP_ACQUIRE, 2, 0, 0, 0);
    assert_int_equal(numbers.record.generation, 1);
}

TEST(a_frozen_volume_stands_still_until_it_is_thawed)
{
    begin_active();
    assert_true(lease_freeze(&numbers.record));
    EXPECT(FROZEN, RELEASE_OP_ANCHOR, 1, 1, 1, 2);
    EXPECT(FROZEN, RELEASE_OP_ACQUIRE, 2, 0, 0, 0);
    EXPECT(FROZEN, RELEASE_OP_PROBE, 2, 0, 0, 0);
    assert_true(lease_thaw(&numbers.record));
    EXPECT(OK, RELEASE_OP_ANCHOR, 1, 1, 1, 2);
}

TEST(a_clock_that_was_set_back_makes_nobody_wait_longer_than_one_lease)
{
    begin_active();
    numbers.now -= 1000 * TIME;
    EXPECT(BUSY, RELEASE_OP_ACQUIRE, 2, 0, 0, 0);
    numbers.now += TIME;
    EXPECT(OK, RELEASE_OP_ACQUIRE, 2, 0, 0, 0);
}

TEST(a_lease_for_ever_ends_by_the_owner_alone)
{
    begin();
    numbers.policy.pending_time = numbers.policy.active_time = LEASE_FOREVER;
    EXPECT(OK, RELEASE_OP_ACQUIRE, 1, 0, 0, 0);
    numbers.now += 100 * 365 * 86400LL;
    EXPECT(BUSY, RELEASE_OP_ACQUIRE, 2, 0, 0, 0);
    assert_true(lease_break(&numbers.record));
    EXPECT(OK, RELEASE_OP_ACQUIRE, 2, 0, 0, 0);
}

TEST(a_store_of_yesterday_gives_no_epoch_twice)
{
    struct lease_record yesterday;
    uint64_t lost;

    begin_active();
    yesterday = numbers.record;
    numbers.now += TIME;
    EXPECT(OK, RELEASE_OP_ACQUIRE, 2, 0, 0, 0);
    lost = numbers.record.epoch;
    numbers.record = yesterday;
    numbers.now += TIME;
    EXPECT(OK, RELEASE_OP_ACQUIRE, 3, 0, 0, 0);
    assert_true(numbers.record.epoch > lost);
}

TEST(the_key_changes_with_the_state_and_the_older_one_lasts_one_boot)
{
    struct numbers_request confirm = {
        .op = RELEASE_OP_CONFIRM, .vm = 2, .lease = 2, .from = 1, .to = 2, .key = 2};

    begin_active();
    assert_true(lease_rekey(&numbers.record, 2));
    assert_false(lease_rekey(&numbers.record, 3));
    assert_int_not_equal(lease_flags(&numbers.record, &numbers.policy) & RELEASE_FLAG_REKEY, 0);
    numbers.now += TIME;
    EXPECT(OK, RELEASE_OP_ACQUIRE, 2, 0, 0, 0);
    assert_int_equal(numbers.record.key_version, 1);
    confirm.from_counter = confirm.from;
    confirm.to_counter = confirm.to;
    confirm.sequence = ++sequence;
    assert_int_equal(numbers_step(&numbers, &confirm).key, 2);
    assert_int_equal(numbers.record.last_version, 1);
    numbers.now += TIME;
    EXPECT(OK, RELEASE_OP_ACQUIRE, 3, 0, 0, 0);
    EXPECT(OK, RELEASE_OP_CONFIRM, 3, 3, 2, 3);
    assert_int_equal(numbers.record.last_version, 0);
}

static unsigned confirm_under(unsigned vm, unsigned lease, unsigned key)
{
    struct numbers_request confirm = {.op = RELEASE_OP_CONFIRM,
                                      .vm = vm,
                                      .lease = lease,
                                      .from = 1,
                                      .to = 2,
                                      .from_counter = 1,
                                      .to_counter = 2,
                                      .key = key,
                                      .sequence = sequence + 1};

    sequence++;
    return numbers_step(&numbers, &confirm).status;
}

TEST(a_state_under_a_key_that_nobody_is_given_next_is_not_committed)
{
    begin_active();
    numbers.now += TIME;
    EXPECT(OK, RELEASE_OP_ACQUIRE, 2, 0, 0, 0);
    assert_int_equal(confirm_under(2, 2, 2), RELEASE_STATUS_STALE);
    assert_int_equal(numbers.record.phase, LEASE_PENDING);
    assert_int_equal(confirm_under(2, 2, 1), RELEASE_STATUS_OK);
}

TEST(who_was_given_a_key_that_is_cancelled_confirms_nothing_under_it)
{
    begin_active();
    assert_false(lease_cancel_rekey(&numbers.record));
    assert_true(lease_rekey(&numbers.record, 2));
    numbers.now += TIME;
    EXPECT(OK, RELEASE_OP_ACQUIRE, 2, 0, 0, 0);
    assert_true(lease_cancel_rekey(&numbers.record));
    assert_int_equal(confirm_under(2, 2, 2), RELEASE_STATUS_SUPERSEDED);
    EXPECT(OK, RELEASE_OP_ACQUIRE, 3, 0, 0, 0);
    assert_int_equal(confirm_under(3, 3, 1), RELEASE_STATUS_OK);
    assert_int_equal(numbers.record.key_version, 1);
}

TEST(a_vm_that_runs_keeps_its_lease_when_a_rekey_is_cancelled)
{
    begin_active();
    assert_true(lease_rekey(&numbers.record, 2));
    assert_true(lease_cancel_rekey(&numbers.record));
    EXPECT(OK, RELEASE_OP_ANCHOR, 1, 1, 1, 2);
}
