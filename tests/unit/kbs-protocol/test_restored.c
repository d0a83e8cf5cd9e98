/* SPDX-License-Identifier: MIT */
/*
 * A store that is restored from a backup. A volume lives through two boots; a backup is made after
 * any of its steps, and restored after any later one. Whatever a VM or its host does then, the disk
 * that is newer than the store is complained of at every boot, no state and no lease of the lost
 * time passes, and one command of the owner frees the volume.
 */
#include <stdio.h>
#include <unistd.h>

#include "kbs/backup/backup.h"
#include "lib/base/bytes.h"
#include "tests/unit/kbs-protocol/lease_client.h"
#include "tests/unit/kbs-store/fixture.h"

/* The steps: who asks what, from one state to another, which is on the disk before. */
static const struct {
    uint8_t vm, op, from, to;
} steps[] = {
    {1, RELEASE_OP_ACQUIRE, 0, 0}, {1, RELEASE_OP_CONFIRM, 0, 1}, {1, RELEASE_OP_ANCHOR, 1, 2},
    {1, RELEASE_OP_RENEW, 0, 0},   {1, RELEASE_OP_RELEASE, 2, 3}, {2, RELEASE_OP_ACQUIRE, 0, 0},
    {2, RELEASE_OP_CONFIRM, 3, 4}, {2, RELEASE_OP_ANCHOR, 4, 5},  {2, RELEASE_OP_RELEASE, 5, 0},
};

#define STEPS (sizeof(steps) / sizeof(steps[0]))

struct life {
    struct release_record granted[3]; /* by number of the VM */
    uint8_t disk;                     /* the state that is on it; 0: blank */
    char copy[PATH_MAX];
};

static void live(struct world *world, struct life *life, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        uint8_t vm = steps[i].vm;

        world->now++;
        if (steps[i].to != 0)
            life->disk = steps[i].to;
        if (steps[i].op == RELEASE_OP_ACQUIRE) {
            life->granted[vm] = lease_acquire(world, vm, NULL);
            assert_int_equal(life->granted[vm].status, RELEASE_STATUS_OK);
        } else {
            lease_expect(world, vm,
                         lease_under(&life->granted[vm], steps[i].op, steps[i].from, steps[i].to),
                         RELEASE_STATUS_OK);
        }
    }
}

static void back_up(struct world *world, struct life *life)
{
    const char *reason;

    if (!backup_write(world->store, life->copy, &reason))
        fail_msg("%s", reason);
}

static enum store_status restored(struct store_unit *unit, void *context)
{
    const struct world *world = context;
    unsigned leases;
    enum store_status status = backup_restored(unit, world->now, &leases);

    assert_int_equal(leases, 1);
    return status;
}

static void bring_back(struct world *world, void *context)
{
    const struct life *life = context;
    const char *file = store_file_of(world->url), *reason;
    char replaced[PATH_MAX + 16];
    bool was_there;

    snprintf(replaced, sizeof(replaced), "%s.replaced", file);
    if (!backup_restore(life->copy, file, replaced, &world->master, restored, world, &was_there,
                        &reason))
        fail_msg("%s", reason);
    unlink(replaced);
    unlink(life->copy);
}

/* Nothing that was granted before or meanwhile counts, whatever the KBS had of it. */
static void expect_older_leases_to_be_over(struct world *world, const struct life *life)
{
    uint8_t from = life->disk ? life->disk : 1;
    const struct {
        uint8_t op, from, to;
    } requests[] = {
        {RELEASE_OP_ANCHOR, from, from + 1},
        {RELEASE_OP_RENEW, 0, 0},
    };

    for (uint8_t vm = 1; vm <= 2; vm++)
        for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
            if (life->granted[vm].has_lease)
                lease_expect(world, vm,
                             lease_under(&life->granted[vm], requests[i].op, requests[i].from,
                                         requests[i].to),
                             RELEASE_STATUS_SUPERSEDED);
}

/* A boot whose disk is ahead: it cannot go on from there, and says so. */
static void boot_and_complain(struct world *world, const struct life *life, uint8_t vm,
                              const struct lease_record *expected)
{
    struct release_record granted = lease_acquire(world, vm, NULL);

    assert_int_equal(granted.status, RELEASE_STATUS_OK);
    assert_true(granted.epoch > life->granted[1].epoch && granted.epoch > life->granted[2].epoch);
    assert_int_equal(granted.has_committed, expected->has_committed);
    assert_memory_equal(granted.committed, expected->committed, RELEASE_STATE_SIZE);
    if (!granted.has_committed)
        assert_int_equal(granted.flags & (RELEASE_FLAG_MANUFACTURE | RELEASE_FLAG_ADOPT), 0);
    lease_expect(world, vm, lease_under(&granted, RELEASE_OP_CONFIRM, life->disk, life->disk + 1),
                 RELEASE_STATUS_STALE);
    lease_expect(world, vm, lease_under(&granted, RELEASE_OP_COMPLAIN, 0, life->disk),
                 RELEASE_STATUS_OK);
    world_expect_audit(world, "reason", "disk-refused");
}

static bool accept_the_disk(struct lease_record *record)
{
    return lease_accept(record);
}

static void expect_to_be_freed(struct world *world, const struct life *life)
{
    struct release_record granted;

    lease_change(world, NULL, accept_the_disk);
    granted = lease_acquire(world, 13, NULL);
    assert_int_equal(granted.status, RELEASE_STATUS_OK);
    assert_int_equal(lease_counter(granted.committed), life->disk);
    assert_false(granted.has_committed_epoch);
    lease_expect(world, 13, lease_under(&granted, RELEASE_OP_CONFIRM, life->disk, life->disk + 1),
                 RELEASE_STATUS_OK);
}

static void expect_to_be_noticed(struct world *world, const struct life *life)
{
    struct release_record busy = lease_acquire(world, 10, NULL);
    static const uint8_t nobody[RELEASE_REPORT_ID_SIZE];
    struct lease_policy policy;
    struct lease_record record;

    assert_int_equal(busy.status, RELEASE_STATUS_BUSY);
    assert_memory_equal(busy.holder, nobody, sizeof(nobody));
    assert_int_equal(busy.retry_after, LEASE_TIME);
    expect_older_leases_to_be_over(world, life);
    world->now += LEASE_TIME;
    lease_look(world, &policy, &record);
    if (record.has_committed && lease_counter(record.committed) == life->disk) {
        assert_int_equal(lease_acquire(world, 11, NULL).status, RELEASE_STATUS_OK);
        return;
    }
    if (life->disk == 0)
        return;
    boot_and_complain(world, life, 11, &record);
    boot_and_complain(world, life, 12, &record);
    expect_to_be_freed(world, life);
}

TEST(a_restored_store_is_noticed_at_every_point_and_freed_by_one_command)
{
    for (size_t saved = 0; saved <= STEPS; saved++)
        for (size_t lost = saved; lost <= STEPS; lost++) {
            struct life life = {0};
            void *state;

            assert_int_equal(lease_client_begin(&state), 0);
            fixture_path("copy", life.copy);
            live(state, &life, 0, saved);
            back_up(state, &life);
            live(state, &life, saved, lost);
            world_restart(state, bring_back, &life);
            expect_to_be_noticed(state, &life);
            assert_int_equal(client_end(&state), 0);
        }
}

TEST_FIXTURE(a_first_state_is_neither_made_nor_adopted_again_after_a_restore, lease_client_begin,
             client_end)
{
    struct world *world = *state;
    struct life life = {0};
    struct lease_policy policy;
    struct lease_record record;

    fixture_path("copy", life.copy);
    back_up(world, &life);
    live(world, &life, 0, 2);
    world_restart(world, bring_back, &life);
    lease_look(world, &policy, &record);
    assert_false(record.has_committed);
    assert_false(policy.manufacture || policy.adopt);
}

TEST_GROUP(world_make_chip, world_free_chip)
