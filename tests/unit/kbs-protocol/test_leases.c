/* SPDX-License-Identifier: MIT */
/* Leases of a volume, through COCONUT-SVSM's proxy: what each VM gets, and what the store has. */
#include <stdlib.h>

#include "kbs/backup/backup.h"
#include "lib/base/bytes.h"
#include "tests/unit/kbs-protocol/lease_client.h"
#include "tests/unit/kbs/between.h"
#include "tests/unit/registered.h"

#define POINTS_LEAST 4   /* between the units of work of an attestation */
#define POINTS_MAX   100 /* of them */

TEST_FIXTURE(the_key_comes_with_a_lease_and_the_next_vm_is_busy, lease_client_begin, client_end)
{
    struct world *world = *state;
    size_t size;
    struct release_record first = lease_acquire(world, 1, &size), second;

    assert_int_equal(first.status, RELEASE_STATUS_OK);
    assert_int_equal(size, STATE_KEY_SIZE);
    assert_true(first.has_epoch && first.has_lease && first.has_ttl && first.has_flags);
    assert_false(first.has_committed);
    assert_int_equal(first.flags,
                     RELEASE_FLAG_CLASSED | RELEASE_FLAG_SAME_EPOCH | RELEASE_FLAG_MANUFACTURE);
    second = lease_acquire(world, 2, &size);
    assert_int_equal(second.status, RELEASE_STATUS_BUSY);
    assert_int_equal(size, 1);
    assert_true(second.has_retry_after && second.has_holder && second.has_held_for);
    assert_int_equal(second.retry_after, LEASE_TIME);
    assert_int_equal(second.holder[0], 1);
    world_expect_audit(world, "reason", "lease-busy");
    world_expect_audit(world, "result", "denied");
}

TEST_FIXTURE(a_state_is_committed_and_told_to_the_next_holder, lease_client_begin, client_end)
{
    struct world *world = *state;
    struct release_record first = lease_acquire(world, 1, NULL), second;

    lease_expect(world, 1, lease_under(&first, RELEASE_OP_CONFIRM, 0, 1), RELEASE_STATUS_OK);
    world_expect_audit(world, "operation", "confirm");
    lease_expect(world, 1, lease_under(&first, RELEASE_OP_ANCHOR, 1, 2), RELEASE_STATUS_OK);
    lease_expect(world, 1, lease_under(&first, RELEASE_OP_ANCHOR, 1, 3), RELEASE_STATUS_STALE);
    world_expect_audit(world, "reason", "state-stale");
    lease_expect(world, 1, lease_under(&first, RELEASE_OP_RELEASE, 2, 0), RELEASE_STATUS_OK);
    second = lease_acquire(world, 2, NULL);
    assert_int_equal(second.status, RELEASE_STATUS_OK);
    assert_true(second.epoch > first.epoch);
    assert_true(second.has_committed && second.has_committed_epoch);
    assert_int_equal(get_be64(second.committed), 2);
    assert_int_equal(second.committed_epoch, first.epoch);
    assert_int_equal(second.flags & RELEASE_FLAG_MANUFACTURE, 0);
    lease_expect(world, 1, lease_under(&first, RELEASE_OP_RENEW, 0, 0), RELEASE_STATUS_SUPERSEDED);
    lease_expect(world, 1, (struct release_request){.op = RELEASE_OP_ACQUIRE},
                 RELEASE_STATUS_SUPERSEDED);
}

TEST_FIXTURE(a_key_that_was_not_fetched_is_not_given_after_a_takeover, lease_client_begin,
             client_end)
{
    struct world *world = *state;
    struct connection first;
    struct release_request request = {
        .op = RELEASE_OP_ACQUIRE, .has_sequence = true, .sequence = 1};

    lease_vm = 1;
    assert_int_equal(lease_attest(world, &request), 200);
    first = client.connection;
    client.connection = (struct connection){0};
    world->now += LEASE_TIME;
    assert_int_equal(lease_acquire(world, 2, NULL).status, RELEASE_STATUS_OK);
    assert_int_equal(world_request(world, &first, "GET", VOLUME_PATH, "", NULL), 401);
    world_expect_audit(world, "reason", "lease-superseded");
    free(first.bearer);
}

TEST_FIXTURE(an_svsm_without_leases_gets_nothing, lease_client_begin, client_end)
{
    struct world *world = *state;
    struct release_request request = {.op = RELEASE_OP_ACQUIRE};
    uint8_t payload[LEASE_PAYLOAD_MAX];
    size_t size;

    lease_vm = 1;
    assert_int_equal(lease_attest(world, &request), 200);
    assert_int_equal(lease_get_record(world, payload, &size).status, RELEASE_STATUS_DENIED);
    assert_int_equal(size, 1);
    world_expect_audit(world, "reason", "lease-required");
    client_authenticate(&client, world);
    client_expect_refusal(&client, world, client_coconut(&client), "lease-required");
}

TEST_FIXTURE(a_volume_without_leases_has_none_to_confirm, lease_client_begin, client_end)
{
    struct world *world = *state;
    struct lease_policy off = {
        .mode = LEASE_OFF, .pending_time = LEASE_TIME, .active_time = LEASE_TIME};
    struct release_record granted = {0};
    size_t size;

    lease_change(world, &off, NULL);
    assert_int_equal(
        lease_ask(world, 1, lease_under(&granted, RELEASE_OP_RENEW, 0, 0), NULL).status,
        RELEASE_STATUS_DENIED);
    world_expect_audit(world, "reason", "lease-none");
    granted = lease_acquire(world, 1, &size);
    assert_int_equal(granted.status, RELEASE_STATUS_OK);
    assert_int_equal(size, STATE_KEY_SIZE);
    assert_false(granted.has_lease);
}

TEST_FIXTURE(a_complaint_is_recorded_and_accepted_by_the_owner_alone, lease_client_begin,
             client_end)
{
    struct world *world = *state;
    struct release_record first = lease_acquire(world, 1, NULL), second, third;

    lease_expect(world, 1, lease_under(&first, RELEASE_OP_CONFIRM, 0, 1), RELEASE_STATUS_OK);
    lease_expect(world, 1, lease_under(&first, RELEASE_OP_RELEASE, 1, 0), RELEASE_STATUS_OK);
    second = lease_acquire(world, 2, NULL);
    lease_expect(world, 2, lease_under(&second, RELEASE_OP_COMPLAIN, 0, 9), RELEASE_STATUS_OK);
    world_expect_audit(world, "reason", "disk-refused");
    assert_int_equal(get_be64(lease_acquire(world, 3, NULL).committed), 1);
    lease_change(world, NULL, lease_accept);
    third = lease_acquire(world, 4, NULL);
    assert_int_equal(get_be64(third.committed), 9);
    assert_int_equal(third.generation, 1);
    assert_false(third.has_committed_epoch);
}

TEST_FIXTURE(a_frozen_volume_gives_no_key, lease_client_begin, client_end)
{
    struct world *world = *state;
    size_t size;

    lease_change(world, NULL, lease_freeze);
    assert_int_equal(lease_acquire(world, 1, &size).status, RELEASE_STATUS_FROZEN);
    assert_int_equal(size, 1);
    world_expect_audit(world, "reason", "volume-frozen");
    lease_change(world, NULL, lease_thaw);
    assert_int_equal(lease_acquire(world, 1, &size).status, RELEASE_STATUS_OK);
}

TEST_FIXTURE(what_is_frozen_meanwhile_is_not_released, lease_client_begin, client_end)
{
    struct world *world = *state;
    struct lease_policy off = {
        .mode = LEASE_OFF, .pending_time = LEASE_TIME, .active_time = LEASE_TIME};
    struct release_request request = {.op = RELEASE_OP_ACQUIRE};

    lease_change(world, &off, NULL);
    lease_vm = 1;
    assert_int_equal(lease_attest(world, &request), 200);
    lease_change(world, NULL, lease_freeze);
    assert_int_equal(world_request(world, &client.connection, "GET", VOLUME_PATH, "", NULL), 401);
    world_expect_audit(world, "reason", "volume-frozen");
}

TEST_FIXTURE(a_frozen_volume_without_leases_gives_no_key_either, lease_client_begin, client_end)
{
    struct world *world = *state;
    struct lease_policy off = {
        .mode = LEASE_OFF, .pending_time = LEASE_TIME, .active_time = LEASE_TIME};
    struct release_request request = {.op = RELEASE_OP_ACQUIRE};
    uint8_t payload[LEASE_PAYLOAD_MAX];
    size_t size;

    lease_change(world, &off, lease_freeze);
    lease_vm = 1;
    assert_int_equal(lease_attest(world, &request), 200);
    assert_int_equal(lease_get_record(world, payload, &size).status, RELEASE_STATUS_DENIED);
    assert_int_equal(size, 1);
    world_expect_audit(world, "reason", "volume-frozen");
    client_authenticate(&client, world);
    client_expect_refusal(&client, world, client_coconut(&client), "volume-frozen");
    lease_change(world, NULL, lease_thaw);
    assert_int_equal(lease_acquire(world, 1, &size).status, RELEASE_STATUS_OK);
    assert_int_equal(size, STATE_KEY_SIZE);
}

TEST_FIXTURE(the_answer_of_a_session_stays_what_it_was, lease_client_begin, client_end)
{
    struct world *world = *state;
    struct release_record records[2];
    uint8_t payload[LEASE_PAYLOAD_MAX];
    size_t size;

    records[0] = lease_acquire(world, 1, NULL);
    records[1] = lease_acquire(world, 2, NULL);
    assert_int_equal(records[0].status, RELEASE_STATUS_OK);
    assert_int_equal(records[1].status, RELEASE_STATUS_BUSY);
    world->now += LEASE_TIME;
    assert_int_equal(lease_get_record(world, payload, &size).status, RELEASE_STATUS_BUSY);
}

TEST_FIXTURE(probing_tells_whether_the_lease_is_free, lease_client_begin, client_end)
{
    struct world *world = *state;
    struct release_request probe = {.op = RELEASE_OP_PROBE};

    lease_expect(world, 1, probe, RELEASE_STATUS_OK);
    assert_int_equal(lease_acquire(world, 1, NULL).status, RELEASE_STATUS_OK);
    lease_expect(world, 2, probe, RELEASE_STATUS_BUSY);
    world_expect_audit(world, "result", "accepted");
}

static unsigned newest; /* version of a key */

static bool rekey_to_newest(struct lease_record *record)
{
    return lease_rekey(record, newest);
}

/* A unit of work's part: a key that no other is like. */
static enum store_status add_key(struct store_unit *unit, void *context)
{
    const struct world *world = context;
    static uint8_t filling;
    uint8_t key[STATE_KEY_SIZE];

    memset(key, ++filling, sizeof(key) / 2);
    memset(key + sizeof(key) / 2, ++filling, sizeof(key) / 2);
    return volume_add_key(unit, world->volume.id, key, &newest);
}

static void begin_rekey(struct world *world)
{
    assert_int_equal(store_change(world->store, add_key, world), STORE_OK);
    assert_int_equal(newest, 2);
    lease_change(world, NULL, rekey_to_newest);
}

static bool has_key(struct world *world, unsigned version)
{
    uint8_t key[STATE_KEY_SIZE];
    struct store_unit *unit;
    enum store_status status;

    assert_int_equal(store_begin_reading(world->store, &unit), STORE_OK);
    status = volume_key_of(unit, world->volume.id, version, key);
    store_abandon(unit);
    return status == STORE_OK;
}

static struct release_request confirm_under(const struct release_record *granted, uint8_t from,
                                            uint8_t to, unsigned version)
{
    struct release_request confirm = lease_under(granted, RELEASE_OP_CONFIRM, from, to);

    confirm.has_key_version = true;
    confirm.key_version = version;
    return confirm;
}

TEST_FIXTURE(both_keys_are_given_until_a_state_is_confirmed_under_the_second, lease_client_begin,
             client_end)
{
    struct world *world = *state;
    struct release_record granted;
    struct lease_policy policy;
    struct lease_record record;
    size_t size;

    begin_rekey(world);
    /* A power cut before the first CONFIRM: the next boot is given both again. */
    granted = lease_acquire(world, 1, &size);
    world->now += LEASE_TIME;
    granted = lease_acquire(world, 2, &size);
    assert_int_equal(size, 2 * STATE_KEY_SIZE);
    assert_int_equal(granted.key_version, 2);
    assert_int_not_equal(granted.flags & RELEASE_FLAG_REKEY, 0);
    lease_expect(world, 2, confirm_under(&granted, 0, 1, 3), RELEASE_STATUS_STALE);
    world_expect_audit(world, "reason", "key-version-unknown");
    lease_expect(world, 2, confirm_under(&granted, 0, 1, 2), RELEASE_STATUS_OK);
    assert_true(world_audit_has(world, "the volume's key is version 2 from now on"));
    assert_int_equal(lease_look(world, &policy, &record).key_version, 2);
    /* And one whose acknowledgement was lost: both keys are there still. */
    lease_expect(world, 2, confirm_under(&granted, 0, 1, 2), RELEASE_STATUS_OK);
    assert_true(has_key(world, 1) && has_key(world, 2));
    lease_expect(world, 2, lease_under(&granted, RELEASE_OP_RELEASE, 1, 0), RELEASE_STATUS_OK);
    granted = lease_acquire(world, 3, &size);
    assert_int_equal(size, STATE_KEY_SIZE);
    assert_true(has_key(world, 1));
    lease_expect(world, 3, confirm_under(&granted, 1, 2, 2), RELEASE_STATUS_OK);
    assert_true(world_audit_has(world, "version 1 of its key is destroyed"));
    assert_false(has_key(world, 1));
    assert_true(has_key(world, 2));
}

TEST_FIXTURE(a_vm_that_cannot_change_over_confirms_under_the_first_key, lease_client_begin,
             client_end)
{
    struct world *world = *state;
    struct release_record granted;
    struct lease_policy policy;
    struct lease_record record;

    begin_rekey(world);
    granted = lease_acquire(world, 1, NULL);
    lease_expect(world, 1, confirm_under(&granted, 0, 1, 1), RELEASE_STATUS_OK);
    assert_int_equal(lease_look(world, &policy, &record).key_version, 1);
    assert_int_equal(record.next_version, 2);
}

/* The owner thinks better of it, and of that again. Each counts the generation, which answers tell,
 * too: here it is as before, so that it is the key that tells the answers apart. */
static enum store_status rekey_otherwise(struct store_unit *unit, void *context)
{
    const struct world *world = context;
    struct lease_policy policy;
    struct lease_record record;
    enum store_status status = add_key(unit, context);
    uint64_t generation;

    if (status == STORE_OK)
        status = lease_load(unit, &world->volume, &policy, &record);
    if (status != STORE_OK)
        return status;
    generation = record.generation;
    assert_true(lease_cancel_rekey(&record) && lease_rekey(&record, newest));
    record.generation = generation;
    return lease_save(unit, world->volume.id, &record);
}

static void change_mind(void *context)
{
    struct world *owners = context;

    assert_int_equal(store_change(owners->store, rekey_otherwise, owners), STORE_OK);
}

static void expect_newest_key(struct world *world)
{
    uint8_t payload[LEASE_PAYLOAD_MAX], key[STATE_KEY_SIZE];
    struct store_unit *unit;
    size_t size;
    struct release_record granted = lease_get_record(world, payload, &size);

    assert_int_equal(granted.key_version, newest);
    assert_int_equal(size, 2 * STATE_KEY_SIZE);
    assert_int_equal(store_begin_reading(world->store, &unit), STORE_OK);
    assert_int_equal(volume_key_of(unit, world->volume.id, newest, key), STORE_OK);
    store_abandon(unit);
    assert_memory_equal(payload + STATE_KEY_SIZE, key, sizeof(key));
}

/* A VM asks, and the owner changes his mind at that point, unless there is no such point: false.
 * Counts when the VM has a lease nevertheless. */
static bool acquires(struct world *world, struct world *owners, unsigned point, unsigned *granted)
{
    struct release_request request = {
        .op = RELEASE_OP_ACQUIRE, .has_sequence = true, .sequence = 1};
    struct lease_policy policy;
    struct lease_record record;
    bool changed;

    lease_vm = (uint8_t)(point + 1);
    between_arm(BETWEEN_UNITS, point, change_mind, owners);
    assert_int_equal(lease_attest(world, &request), 200);
    changed = between_disarm();
    lease_look(world, &policy, &record);
    if (changed && record.phase == LEASE_PENDING) {
        expect_newest_key(world);
        lease_change(world, NULL, lease_break);
        (*granted)++;
    }
    return changed;
}

/* By another server, between any two units of work. If it was after the grant, the lease is over.
 */
TEST_FIXTURE(an_answer_that_was_sealed_before_a_rekey_is_made_anew, lease_client_begin, client_end)
{
    struct world *world = *state, owners = *world;
    unsigned point = 0, granted = 0;

    assert_int_equal(store_open(world->url, false, &world->master, &owners.store), STORE_OK);
    begin_rekey(world);
    while (point < POINTS_MAX && acquires(world, &owners, point, &granted))
        point++;
    assert_in_range(point, POINTS_LEAST, POINTS_MAX - 1);
    assert_in_range(granted, 1, point - 1);
    store_close(owners.store);
}

static enum store_status restored(struct store_unit *unit, void *context)
{
    const struct world *world = context;
    unsigned leases;

    return backup_restored(unit, world->now, &leases);
}

TEST_FIXTURE(a_store_that_was_put_back_by_its_own_means_has_everybody_wait_once, lease_client_begin,
             client_end)
{
    struct world *world = *state;
    struct release_record first = lease_acquire(world, 1, NULL);
    bool has_sessions = store_is_shared(world->store);
    struct connection before;
    struct release_record second;

    lease_expect(world, 1, lease_under(&first, RELEASE_OP_CONFIRM, 0, 1), RELEASE_STATUS_OK);
    before = client.connection;
    client.connection = (struct connection){0};
    assert_int_equal(store_change(world->store, restored, world), STORE_OK);
    world_expect_audit(world, "event", "store-restored");
    if (has_sessions)
        assert_int_equal(world_request(world, &before, "GET", VOLUME_PATH, "", NULL), 401);
    free(before.bearer);
    second = lease_acquire(world, 2, NULL);
    assert_int_equal(second.status, RELEASE_STATUS_BUSY);
    assert_int_equal(second.retry_after, LEASE_TIME);
    lease_expect(world, 1, lease_under(&first, RELEASE_OP_RENEW, 0, 0), RELEASE_STATUS_SUPERSEDED);
    world->now += LEASE_TIME;
    assert_int_equal(lease_acquire(world, 2, NULL).status, RELEASE_STATUS_OK);
}

TEST_GROUP(world_make_chip, world_free_chip)
