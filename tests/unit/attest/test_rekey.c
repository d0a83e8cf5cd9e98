/* SPDX-License-Identifier: MIT */
/* A volume that is to change its key: both keys come, and CONFIRM says which one the state has. */
#include <string.h>

#include "lib/base/bytes.h"
#include "tests/unit/attest/lease_kbs.h"
#include "tests/unit/registered.h"

static int start_rekey(void **state)
{
    int failed = lease_kbs_start(state);

    assert_true(lease_rekey(&kbs.record, 2));
    return failed;
}

/* The KBS's keys are the bytes 00 to 3F, and 40 to 7F. */
static void assert_keys(void)
{
    for (uint8_t i = 0; i < STATE_KEY_SIZE; i++) {
        assert_int_equal(grant.key[i], i);
        assert_int_equal(grant.next_key[i], STATE_KEY_SIZE + i);
    }
}

TEST_FIXTURE(both_keys_are_handed_on, start_rekey, lease_kbs_end)
{
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    assert_int_equal(grant.flags, STATE_GRANT_LEASED | STATE_GRANT_MANUFACTURE | STATE_GRANT_REKEY);
    assert_keys();
}

TEST_FIXTURE(the_confirmation_names_the_newer_key_and_the_kbs_takes_it, start_rekey, lease_kbs_end)
{
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    assert_int_equal(confirm(1, 1), ATTEST_STATUS_DONE);
    assert_true(kbs.last.has_key_version);
    assert_int_equal(kbs.last.key_version, 2);
    assert_int_equal(kbs.record.key_version, 2);
    assert_int_equal(kbs.record.next_version, 0);
    assert_committed(1);
}

TEST_FIXTURE(a_lost_confirmation_changes_the_key_once, start_rekey, lease_kbs_end)
{
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    kbs.lose = LEASE_CONFIRM_ATTEMPTS - 1;
    assert_int_equal(confirm(1, LEASE_CONFIRM_ATTEMPTS), ATTEST_STATUS_DONE);
    assert_int_equal(kbs.record.key_version, 2);
    assert_int_equal(kbs.record.last_version, 1);
}

TEST_FIXTURE(after_the_confirmation_no_request_names_a_key, start_rekey, lease_kbs_end)
{
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    assert_int_equal(confirm(1, 1), ATTEST_STATUS_DONE);
    assert_int_equal(keep(ATTEST_ANCHOR, 2, 1), ATTEST_STATUS_DONE);
    assert_false(kbs.last.has_key_version);
    assert_int_equal(keep(ATTEST_RELEASE, 3, 1), ATTEST_STATUS_DONE);
    assert_false(kbs.last.has_key_version);
}

TEST_FIXTURE(a_change_that_is_cancelled_meanwhile_is_not_confirmed, start_rekey, lease_kbs_end)
{
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    assert_true(lease_cancel_rekey(&kbs.record));
    assert_int_equal(confirm(1, 1), ATTEST_STATUS_KBS_REFUSED);
    assert_false(kbs.record.has_committed);
}

TEST_FIXTURE(a_vm_that_was_given_one_key_confirms_under_that, lease_kbs_start, lease_kbs_end)
{
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    assert_int_equal(grant.flags & STATE_GRANT_REKEY, 0);
    assert_true(bytes_are_zero(grant.next_key, sizeof(grant.next_key)));
    assert_true(lease_rekey(&kbs.record, 2));
    assert_int_equal(confirm(1, 1), ATTEST_STATUS_DONE);
    assert_int_equal(kbs.record.key_version, 1);
    assert_int_equal(kbs.record.next_version, 2);
}

static void without_version(const struct release_request *request, struct release_record *record)
{
    (void)request;
    record->has_key_version = false;
}

/* The state would be confirmed, and its key be dropped. */
TEST_FIXTURE(a_second_key_without_its_version_is_refused, start_rekey, lease_kbs_end)
{
    kbs.spoil = without_version;
    assert_int_equal(acquire(1), ATTEST_STATUS_PROTOCOL);
    assert_int_equal(confirm(1, 1), ATTEST_STATUS_MALFORMED_REQUEST);
}

static void without_rekey(const struct release_request *request, struct release_record *record)
{
    (void)request;
    record->flags &= ~(uint32_t)RELEASE_FLAG_REKEY;
}

static void with_rekey(const struct release_request *request, struct release_record *record)
{
    (void)request;
    record->flags |= RELEASE_FLAG_REKEY;
}

TEST_FIXTURE(as_many_keys_come_as_the_record_says, start_rekey, lease_kbs_end)
{
    kbs.spoil = without_rekey;
    assert_int_equal(acquire(1), ATTEST_STATUS_SECRET_SIZE);
    lease_kbs_end(state);
    lease_kbs_start(state);
    kbs.spoil = with_rekey;
    assert_int_equal(acquire(1), ATTEST_STATUS_SECRET_SIZE);
}

static void without_the_rest(const struct release_request *request, struct release_record *record)
{
    (void)request;
    record->has_epoch = record->has_lease = record->has_ttl = record->has_generation = false;
}

TEST_FIXTURE(without_a_lease_no_second_key_is_taken, start_rekey, lease_kbs_end)
{
    kbs.spoil = without_the_rest;
    assert_int_equal(acquire(1), ATTEST_STATUS_PROTOCOL);
}
