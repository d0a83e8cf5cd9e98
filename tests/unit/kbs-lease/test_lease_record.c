/* SPDX-License-Identifier: MIT */
/* How the store keeps the record of a lease. */
#include <string.h>

#include "kbs/lease/record.h"
#include "tests/unit/registered.h"

static struct lease_record sample(void)
{
    struct lease_record record;

    memset(&record, 0, sizeof(record));
    record.frozen = record.has_committed = record.has_ek_digest = true;
    record.generation = 3;
    record.epoch = 1790000000000;
    record.committed_epoch = 1789999999000;
    record.phase = LEASE_RELEASED;
    record.sequence = 77;
    record.granted = 1789999999;
    record.renewed = 1790000000;
    record.next_version = 5;
    record.last_version = 3;
    memset(record.committed, 0x11, sizeof(record.committed));
    memset(record.ek_digest, 0x22, sizeof(record.ek_digest));
    memset(record.lease, 0x33, sizeof(record.lease));
    memset(record.holder, 0x44, sizeof(record.holder));
    record.complaint.when = 1780000000;
    record.complaint.has_state = true;
    memset(record.complaint.state, 0x55, sizeof(record.complaint.state));
    memset(record.complaint.report_id, 0x66, sizeof(record.complaint.report_id));
    return record;
}

TEST(a_record_comes_back_as_it_was)
{
    struct lease_record record = sample();
    struct lease_record found;
    uint8_t bytes[LEASE_RECORD_SIZE], again[LEASE_RECORD_SIZE];

    lease_record_encode(&record, bytes);
    assert_true(lease_record_decode(bytes, sizeof(bytes), &found));
    lease_record_encode(&found, again);
    assert_memory_equal(bytes, again, sizeof(bytes));
    assert_int_equal(found.phase, LEASE_RELEASED);
    assert_int_equal(found.renewed, record.renewed);
    assert_memory_equal(found.complaint.state, record.complaint.state, RELEASE_STATE_SIZE);
}

TEST(no_other_size_is_a_record)
{
    struct lease_record record = sample();
    struct lease_record found;
    uint8_t bytes[LEASE_RECORD_SIZE + 1] = {0};

    lease_record_encode(&record, bytes);
    for (size_t size = 0; size < LEASE_RECORD_SIZE; size++)
        assert_false(lease_record_decode(bytes, size, &found));
    assert_false(lease_record_decode(bytes, sizeof(bytes), &found));
    assert_int_equal(found.epoch, 0);
}

TEST(another_format_or_phase_is_no_record)
{
    struct lease_record record = sample();
    struct lease_record found;
    uint8_t bytes[LEASE_RECORD_SIZE];

    lease_record_encode(&record, bytes);
    bytes[0] ^= 3;
    assert_false(lease_record_decode(bytes, sizeof(bytes), &found));
    bytes[0] ^= 3;
    bytes[1] = 2; /* frozen */
    assert_false(lease_record_decode(bytes, sizeof(bytes), &found));
    bytes[1] = 1;
    bytes[132] = 4; /* the phase, behind the state */
    assert_false(lease_record_decode(bytes, sizeof(bytes), &found));
}
