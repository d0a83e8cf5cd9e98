/* SPDX-License-Identifier: MIT */
/*
 * Commits that somebody else acknowledges: durable first, acknowledged then, and the state that is
 * acknowledged stays until it is another one.
 */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/registered.h"
#include "tests/unit/services/memory_disk.h"
#include "tests/unit/services/version1_volume.h"

#define PAYLOAD_SIZE 700
#define EPOCH        5

static const uint8_t key[VOLUME_KEY_SIZE] = {1, 2, 3};

static struct volume_anchor anchor_of(const struct superblock *superblock)
{
    struct volume_anchor anchor = {.counter = superblock->counter};

    memcpy(anchor.root, superblock->root, VOLUME_DIGEST_SIZE);
    return anchor;
}

static struct volume_anchor in_epoch(struct volume_anchor anchor, uint64_t epoch)
{
    anchor.same_epoch = true;
    anchor.epoch = epoch;
    return anchor;
}

static enum volume_status open_disk(struct volume *volume, struct memory_disk *disk,
                                    const struct volume_anchor *anchor)
{
    struct volume_storage storage = memory_disk_storage(disk);

    return volume_open(volume, &storage, key, anchor);
}

static enum volume_status commit(struct volume *volume, int generation)
{
    uint8_t payload[PAYLOAD_SIZE];
    struct volume_change change = {VOLUME_TPM_STATE, payload, sizeof(payload)};

    memset(payload, generation, sizeof(payload));
    volume->epoch = EPOCH;
    return volume_commit(volume, &change, 1);
}

/* Commits and acknowledges; the anchor that follows from it. */
static struct volume_anchor advance(struct volume *volume, int generation)
{
    assert_int_equal(commit(volume, generation), VOLUME_OK);
    volume_acknowledge(volume);
    return anchor_of(&volume->current.superblock);
}

static int generation_of(struct volume *volume)
{
    uint8_t *payload = NULL;
    size_t size = 0;
    int generation;

    assert_int_equal(volume_read(volume, VOLUME_TPM_STATE, &payload, &size), VOLUME_OK);
    assert_memory_equal(payload, payload + 1, size - 1);
    generation = payload[0];
    OPENSSL_clear_free(payload, size);
    return generation;
}

/* What an anchor opens, or -status. */
static int found_with(struct memory_disk *disk, const struct volume_anchor *anchor)
{
    struct volume volume;
    enum volume_status status = open_disk(&volume, disk, anchor);
    int found = status == VOLUME_OK ? generation_of(&volume) : -(int)status;

    volume_close(&volume);
    return found;
}

/* A disk of generation 3, all of it durable. */
static struct memory_disk *disk_of_3(struct volume_anchor *anchor)
{
    struct memory_disk *disk = memory_disk_new();
    struct volume volume;

    assert_int_equal(open_disk(&volume, disk, NULL), VOLUME_BLANK);
    for (int n = 1; n <= 3; n++)
        *anchor = advance(&volume, n);
    assert_int_equal(volume_settle(&volume), VOLUME_OK);
    volume_close(&volume);
    return disk;
}

TEST(a_state_that_is_not_acknowledged_does_not_open_and_the_one_before_it_does)
{
    struct volume_anchor acknowledged;
    struct memory_disk *disk = disk_of_3(&acknowledged);
    struct volume_anchor pending;
    struct volume volume;

    assert_int_equal(open_disk(&volume, disk, &acknowledged), VOLUME_OK);
    assert_int_equal(commit(&volume, 4), VOLUME_OK);
    assert_true(volume.pending);
    pending = anchor_of(&volume.current.superblock);
    volume_close(&volume);
    assert_int_equal(found_with(disk, &acknowledged), 3);
    assert_int_equal(found_with(disk, &pending), 4); /* its acknowledgement was lost on the way */

    assert_int_equal(open_disk(&volume, disk, &acknowledged), VOLUME_OK);
    (void)advance(&volume, 5); /* another state under the counter of 4 */
    volume_close(&volume);
    assert_int_equal(found_with(disk, &pending), -VOLUME_FORKED);
    memory_disk_free(disk);
}

/* Everything that the power cut leaves opens with the anchor of then, whichever it was. */
static void cut_anchored_commits(const struct memory_disk *start, struct volume_anchor anchor,
                                 int before)
{
    bool done = false;

    for (long writes = 0; !done; writes++) {
        struct memory_disk *disk = memory_disk_copy(start);
        struct volume_anchor now = anchor;
        int expected = before;
        struct volume volume;

        assert_int_equal(open_disk(&volume, disk, &now), VOLUME_OK);
        disk->writes_left = writes;
        for (int n = before + 1; n <= before + 3; n++) {
            if (commit(&volume, n) != VOLUME_OK)
                break;
            expected = n;
            now = anchor_of(&volume.current.superblock); /* and the answer may be lost: */
            if (disk->writes_left == 0)
                break;
            volume_acknowledge(&volume);
        }
        done = expected == before + 3 && disk->writes_left > 0;
        volume_close(&volume);
        for (size_t i = 0; i < disk->unflushed_count * 8; i++) {
            struct memory_disk *cut = memory_disk_copy(disk);

            memory_disk_settle_torn(cut, (uint64_t)i * 0x9e3779b97f4a7c15u >> 20,
                                    i % (disk->unflushed_count + 1),
                                    i % 3 == 0 ? TEAR_BLOCK : TEAR_SECTOR);
            assert_int_equal(found_with(cut, &now), expected);
            memory_disk_free(cut);
        }
        memory_disk_free(disk);
    }
}

TEST(a_power_cut_between_commits_and_acknowledgements_leaves_what_is_acknowledged)
{
    struct volume_anchor anchor;
    struct memory_disk *disk = disk_of_3(&anchor);

    cut_anchored_commits(disk, anchor, 3);
    memory_disk_free(disk);
}

TEST(a_power_cut_before_the_upgrade_is_acknowledged_leaves_the_state_of_version_1)
{
    struct memory_disk *disk = memory_disk_new();
    uint8_t payload[PAYLOAD_SIZE];
    struct volume_anchor anchor;
    struct volume volume;

    memset(payload, 3, sizeof(payload));
    version1_volume_write(disk, key, 8, payload, sizeof(payload));
    assert_int_equal(open_disk(&volume, disk, NULL), VOLUME_OK);
    anchor = anchor_of(&volume.current.superblock);
    assert_int_equal(anchor.counter, 8);
    assert_int_equal(commit(&volume, 4), VOLUME_OK);
    assert_int_equal(commit(&volume, 5), VOLUME_PENDING);
    volume_close(&volume);
    assert_int_equal(found_with(disk, &anchor), 3);
    memory_disk_free(disk);

    disk = memory_disk_new();
    version1_volume_write(disk, key, 8, payload, sizeof(payload));
    cut_anchored_commits(disk, anchor, 3);
    memory_disk_free(disk);
}

TEST(the_state_that_an_anchor_expects_is_named_when_it_is_not_there)
{
    struct volume_anchor anchor;
    struct memory_disk *disk = disk_of_3(&anchor);
    struct memory_disk *blank = memory_disk_new();
    struct volume_anchor other = anchor;

    other.counter++;
    assert_int_equal(found_with(disk, &other), -VOLUME_ROLLED_BACK);
    other.counter -= 2;
    assert_int_equal(found_with(disk, &other), -VOLUME_AHEAD);
    other = anchor;
    other.root[0] ^= 1;
    assert_int_equal(found_with(disk, &other), -VOLUME_FORKED);
    assert_int_equal(found_with(blank, &anchor), -VOLUME_ERASED);
    blank->bytes[5] = 1;
    assert_int_equal(found_with(blank, &anchor), -VOLUME_WRONG_KEY);
    assert_int_equal(found_with(disk, &anchor), 3);
    memory_disk_free(disk);
    memory_disk_free(blank);
}

TEST(states_of_the_same_epoch_are_accepted_up_to_the_newest_and_those_of_another_are_not)
{
    struct volume_anchor anchor;
    struct memory_disk *disk = disk_of_3(&anchor);
    struct volume_anchor same = in_epoch(anchor, EPOCH);
    struct volume_anchor other = in_epoch(anchor, EPOCH + 1);
    struct volume_anchor forbidden = same;
    struct volume volume;

    forbidden.same_epoch = false;
    assert_int_equal(open_disk(&volume, disk, &anchor), VOLUME_OK);
    for (int n = 4; n <= 9; n++) {
        assert_int_equal(commit(&volume, n), VOLUME_OK);
        assert_int_equal(found_with(disk, &same), n);
        assert_int_equal(found_with(disk, &other), 3);
        assert_int_equal(found_with(disk, &forbidden), 3);
        assert_int_equal(found_with(disk, &anchor), 3);
        assert_int_equal(found_with(disk, NULL), n);
    }
    anchor = anchor_of(&volume.current.superblock);
    volume_acknowledge(&volume);
    assert_int_equal(found_with(disk, &anchor), 9);
    assert_int_equal(found_with(disk, NULL), 9);
    (void)advance(&volume, 10);
    assert_int_equal(found_with(disk, NULL), 10);
    volume_close(&volume);
    memory_disk_free(disk);
}

TEST(a_power_cut_among_states_of_the_same_epoch_loses_none_that_was_durable)
{
    struct volume_anchor anchor;
    struct memory_disk *start = disk_of_3(&anchor);
    struct volume_anchor same = in_epoch(anchor, EPOCH);

    for (long writes = 0; writes < 30; writes++) {
        struct memory_disk *disk = memory_disk_copy(start);
        int durable = 3;
        struct volume volume;

        assert_int_equal(open_disk(&volume, disk, &anchor), VOLUME_OK);
        disk->writes_left = writes;
        while (durable < 9 && commit(&volume, durable + 1) == VOLUME_OK)
            durable++;
        volume_close(&volume);
        for (size_t i = 0; i < disk->unflushed_count * 8; i++) {
            struct memory_disk *cut = memory_disk_copy(disk);
            int found;

            memory_disk_settle_torn(cut, (uint64_t)i * 0x9e3779b97f4a7c15u >> 20,
                                    i % (disk->unflushed_count + 1),
                                    i % 3 == 0 ? TEAR_BLOCK : TEAR_SECTOR);
            found = found_with(cut, &same);
            assert_in_range(found, durable, durable + 1);
            assert_int_equal(found_with(cut, &anchor), 3);
            found = found_with(cut, NULL);
            assert_in_range(found, durable, durable + 1);
            memory_disk_free(cut);
        }
        memory_disk_free(disk);
    }
    memory_disk_free(start);
}

/* The next commit would overwrite the only copy of what is acknowledged. */
TEST(a_state_of_the_same_epoch_counts_only_while_the_last_slot_has_the_anchor)
{
    struct volume_anchor anchor;
    struct memory_disk *disk = disk_of_3(&anchor);
    struct memory_disk *older = memory_disk_copy(disk);
    size_t last = DISK_SIZE - DISK_BLOCK_SIZE;
    struct volume_anchor same;
    struct volume volume;

    assert_int_equal(open_disk(&volume, disk, &anchor), VOLUME_OK);
    anchor = advance(&volume, 4);
    same = in_epoch(anchor, EPOCH);
    assert_int_equal(commit(&volume, 5), VOLUME_OK);
    volume_close(&volume);
    assert_int_equal(found_with(disk, &same), 5);
    memcpy(disk->bytes + last, older->bytes + last, SECTOR_SIZE);
    assert_int_equal(found_with(disk, &same), 4);
    memset(disk->bytes + last, 0x5a, SECTOR_SIZE);
    assert_int_equal(found_with(disk, &same), 4);
    memory_disk_free(disk);
    memory_disk_free(older);
}

/* Where version 1 had superblocks the host can put what it likes. */
TEST(noise_beside_the_slots_does_not_keep_states_from_following_each_other)
{
    struct volume_anchor anchor;
    struct memory_disk *disk = disk_of_3(&anchor);
    struct volume_anchor same = in_epoch(anchor, EPOCH);
    struct volume volume;

    assert_int_equal(open_disk(&volume, disk, &anchor), VOLUME_OK);
    assert_int_equal(commit(&volume, 4), VOLUME_OK);
    volume_close(&volume);
    disk->bytes[DISK_BLOCK_SIZE] = 1;
    assert_int_equal(open_disk(&volume, disk, &same), VOLUME_OK);
    assert_int_equal(commit(&volume, 5), VOLUME_OK);
    volume_acknowledge(&volume);
    assert_int_equal(volume_settle(&volume), VOLUME_OK);
    volume_close(&volume);
    assert_int_equal(disk->bytes[DISK_BLOCK_SIZE], 0);
    memory_disk_free(disk);
}

/* After the power cut the lease goes on, and then the KBS acknowledges what it had missed. */
TEST(states_of_the_same_epoch_go_on_after_they_were_opened_again)
{
    struct volume_anchor anchor;
    struct memory_disk *disk = disk_of_3(&anchor);
    struct volume_anchor same = in_epoch(anchor, EPOCH);
    struct volume volume;

    for (int n = 4; n <= 8; n++) {
        assert_int_equal(open_disk(&volume, disk, &same), VOLUME_OK);
        assert_int_equal(commit(&volume, n), VOLUME_OK);
        volume_close(&volume);
        assert_int_equal(found_with(disk, &same), n);
        assert_int_equal(found_with(disk, &anchor), 3);
    }
    memory_disk_free(disk);
}

TEST(what_is_found_is_there_for_a_complaint)
{
    struct volume_anchor anchor;
    struct memory_disk *disk = disk_of_3(&anchor);
    struct volume volume;

    anchor.counter = 77;
    assert_int_equal(open_disk(&volume, disk, &anchor), VOLUME_ROLLED_BACK);
    assert_true(volume.has_highest);
    assert_int_equal(volume.highest.counter, 3);
    volume_close(&volume);
    memory_disk_free(disk);
}

TEST(epoch_generation_and_identity_are_part_of_the_state)
{
    static const uint8_t id[VOLUME_ID_SIZE] = "sixteen bytes..";
    struct memory_disk *disk = memory_disk_new();
    struct volume volume;

    assert_int_equal(open_disk(&volume, disk, NULL), VOLUME_BLANK);
    assert_true(volume_identify(&volume, id));
    volume.generation = 9;
    (void)advance(&volume, 1);
    assert_false(volume_identify(&volume, id));
    volume_close(&volume);
    assert_int_equal(open_disk(&volume, disk, NULL), VOLUME_OK);
    assert_memory_equal(volume.current.superblock.volume_id, id, VOLUME_ID_SIZE);
    assert_int_equal(volume.current.superblock.epoch, EPOCH);
    assert_int_equal(volume.current.superblock.generation, 9);
    volume_close(&volume);
    memory_disk_free(disk);
}
