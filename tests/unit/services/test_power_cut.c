/* SPDX-License-Identifier: MIT */
/*
 * The power is cut after every sector write of what changes a volume, every unflushed write reaches
 * the medium or does not, one of them or the block around it may be torn, and then the same happens
 * to what comes after it. What is found is always the old state or the new one.
 *
 * Where fewer than EXHAUSTIVE writes are unflushed all their subsets are tried, otherwise a sample.
 */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/registered.h"
#include "tests/unit/services/memory_disk.h"
#include "tests/unit/services/version1_volume.h"

#define PAYLOAD_SIZE 700 /* two sectors */
#define OTHER_OBJECT "uefi-variables"
#define BROKEN       (-1)
#define NOT_TORN     SIZE_MAX
#define EXHAUSTIVE   8
#define SAMPLES      64

static const uint8_t key[VOLUME_KEY_SIZE] = {1, 2, 3};
static const uint8_t new_key[VOLUME_KEY_SIZE] = {4, 5, 6};

static size_t cuts; /* how many were looked at */

/* One way to go from generation n, which is the state of n in every byte, to generation n + 1.
 * Generation 0 is the blank volume. */
struct change {
    /* True when it says that the new generation is durable. */
    bool (*make)(struct memory_disk *disk);
    /* BROKEN: there is none, or the volume does not open. */
    int (*look)(struct memory_disk *disk);
};

static int read_generation(struct volume *volume, struct memory_disk *disk,
                           const uint8_t with_key[VOLUME_KEY_SIZE])
{
    struct volume_storage storage = memory_disk_storage(disk);
    uint8_t *payload = NULL;
    size_t size = 0;
    int generation = BROKEN;
    enum volume_status status = volume_open(volume, &storage, with_key, NULL);

    if (status == VOLUME_BLANK)
        generation = 0;
    else if (status == VOLUME_OK)
        status = volume_read(volume, VOLUME_TPM_STATE, &payload, &size);
    if (status == VOLUME_OK && size == PAYLOAD_SIZE && payload[0] != 0 &&
        memcmp(payload, payload + 1, size - 1) == 0)
        generation = payload[0];
    OPENSSL_clear_free(payload, size);
    return generation;
}

static int generation_under(struct memory_disk *disk, const uint8_t with_key[VOLUME_KEY_SIZE])
{
    struct volume volume;
    int generation = read_generation(&volume, disk, with_key);

    volume_close(&volume);
    return generation;
}

static int generation_of(struct memory_disk *disk)
{
    return generation_under(disk, key);
}

static bool update(struct memory_disk *disk)
{
    struct volume volume;
    uint8_t payload[PAYLOAD_SIZE];
    enum volume_status status;

    memset(payload, read_generation(&volume, disk, key) + 1, sizeof(payload));
    status = volume_update(&volume, VOLUME_TPM_STATE, payload, sizeof(payload));
    volume_close(&volume);
    return status == VOLUME_OK;
}

static const struct change updating = {update, generation_of};

/* The other object has the state's generation, too: both change, or none. */
static bool update_two_objects(struct memory_disk *disk)
{
    struct volume volume;
    uint8_t payload[PAYLOAD_SIZE];
    const struct volume_change changes[] = {
        {VOLUME_TPM_STATE, payload, sizeof(payload)},
        {OTHER_OBJECT, payload, 1},
    };
    enum volume_status status;

    memset(payload, read_generation(&volume, disk, key) + 1, sizeof(payload));
    status = volume_commit(&volume, changes, 2);
    if (status == VOLUME_OK)
        volume_acknowledge(&volume);
    volume_close(&volume);
    return status == VOLUME_OK;
}

static int generation_of_both(struct memory_disk *disk)
{
    struct volume volume;
    uint8_t *other = NULL;
    size_t size = 0;
    int generation = read_generation(&volume, disk, key);

    if (generation > 0 && (volume_read(&volume, OTHER_OBJECT, &other, &size) != VOLUME_OK ||
                           size != 1 || other[0] != generation))
        generation = BROKEN;
    OPENSSL_clear_free(other, size);
    volume_close(&volume);
    return generation;
}

static const struct change updating_two = {update_two_objects, generation_of_both};

/* The generation does not change with the key: here it is 1 under the old and 2 under the new. */
static bool rekey(struct memory_disk *disk)
{
    struct volume volume;
    enum volume_status status = VOLUME_OK;
    bool done;

    if (read_generation(&volume, disk, new_key) == BROKEN) {
        volume_close(&volume);
        (void)read_generation(&volume, disk, key);
        status = volume_rekey(&volume, new_key, NULL, 0);
        if (status == VOLUME_OK)
            volume_acknowledge(&volume);
    }
    done = status == VOLUME_OK && volume_settle(&volume) == VOLUME_OK;
    volume_close(&volume);
    return done;
}

static int generation_by_key(struct memory_disk *disk)
{
    if (generation_under(disk, new_key) == 1)
        return 2;
    return generation_under(disk, key);
}

static const struct change rekeying = {rekey, generation_by_key};

/* When the new key opens it, doing it again goes from 2, or 3, to 3: the old key never counts. */
static int generation_by_new_key(struct memory_disk *disk)
{
    return generation_under(disk, new_key) == 1 ? 3 : BROKEN;
}

static const struct change finishing_rekey = {rekey, generation_by_new_key};

typedef void after_cut(struct memory_disk *disk, int generation, const struct change *change);

static void look(const struct memory_disk *cut, uint64_t kept, size_t torn, enum tear tear,
                 int before, bool durable, const struct change *change, after_cut *then)
{
    struct memory_disk *disk = memory_disk_copy(cut);
    int found;

    memory_disk_settle_torn(disk, kept, torn, tear);
    found = change->look(disk);
    cuts++;
    if (found != before + 1 && (durable || found != before))
        fail_msg("from state %d, %zu sectors written, %zu flushes, kept %#llx, torn %zd: found %d",
                 before, cut->sectors_written, cut->flushes, (unsigned long long)kept,
                 (ssize_t)torn, found);
    if (then)
        then(disk, found, change);
    memory_disk_free(disk);
}

static void settle_in_every_way(const struct memory_disk *cut, int before, bool durable,
                                const struct change *change, after_cut *then)
{
    size_t count = cut->unflushed_count;
    bool exhaustive = count <= EXHAUSTIVE;
    uint64_t ways = exhaustive ? (uint64_t)1 << count : SAMPLES;

    for (uint64_t way = 0; way < ways; way++) {
        uint64_t kept = way;

        if (!exhaustive && way >= 2) /* 0 and 1: none of them, all of them */
            kept = random_bits();
        else if (!exhaustive)
            kept = 0 - way;
        look(cut, kept, NOT_TORN, TEAR_SECTOR, before, durable, change, then);
        for (size_t torn = 0; torn < count; torn++) {
            look(cut, kept, torn, TEAR_SECTOR, before, durable, change, then);
            if (way == 0 || way == ways - 1)
                look(cut, kept, torn, TEAR_BLOCK, before, durable, change, then);
        }
    }
}

/* Cuts the power after every number of sector writes that the change makes. */
static void cut_everywhere(const struct memory_disk *start, int before, const struct change *change,
                           after_cut *then)
{
    bool durable = false;

    for (long writes = 0; !durable; writes++) {
        struct memory_disk *disk = memory_disk_copy(start);

        disk->writes_left = writes;
        durable = change->make(disk);
        settle_in_every_way(disk, before, durable, change, then);
        memory_disk_free(disk);
    }
}

/* With a sample: all of them would be millions. */
static void sometimes_cut_again(struct memory_disk *disk, int generation,
                                const struct change *change)
{
    if (random_bits() % 32 == 0)
        cut_everywhere(disk, generation, change, NULL);
}

static void sometimes_update_and_cut_again(struct memory_disk *disk, int generation,
                                           const struct change *change)
{
    if (random_bits() % 32 != 0)
        return;
    assert_true(change->make(disk));
    cut_everywhere(disk, generation + 1, change, NULL);
}

static void rekey_and_cut_again(struct memory_disk *disk, int generation,
                                const struct change *change)
{
    if (random_bits() % 8 != 0)
        return;
    cut_everywhere(disk, generation, generation == 1 ? change : &finishing_rekey, NULL);
}

static struct memory_disk *disk_of(int generation, const struct change *change)
{
    struct memory_disk *disk = memory_disk_new();

    for (int i = 0; i < generation; i++)
        assert_true(change->make(disk));
    return disk; /* what follows the last change is still unflushed */
}

static void cut_from(int generation, const struct change *change, after_cut *then)
{
    struct memory_disk *disk = disk_of(generation, change);

    cut_everywhere(disk, generation, change, then);
    memory_disk_free(disk);
}

static struct memory_disk *disk_of_version_1(int generation, uint64_t counter)
{
    uint8_t payload[PAYLOAD_SIZE];
    struct memory_disk *disk = memory_disk_new();

    memset(payload, generation, sizeof(payload));
    version1_volume_write(disk, key, counter, payload, sizeof(payload));
    return disk;
}

TEST(a_power_cut_during_the_first_update_leaves_a_blank_volume_or_the_state)
{
    cut_from(0, &updating, sometimes_cut_again);
}

TEST(a_power_cut_during_an_update_leaves_the_old_state_or_the_new)
{
    for (int generation = 1; generation <= 4; generation++)
        cut_from(generation, &updating, NULL);
}

TEST(two_power_cuts_in_a_row_leave_the_old_state_or_the_new)
{
    for (int generation = 1; generation <= 3; generation++)
        cut_from(generation, &updating, sometimes_cut_again);
}

TEST(two_power_cuts_with_an_update_between_leave_the_old_state_or_the_new)
{
    for (int generation = 0; generation <= 3; generation++)
        cut_from(generation, &updating, sometimes_update_and_cut_again);
}

TEST(a_power_cut_leaves_both_objects_of_the_old_state_or_of_the_new)
{
    for (int generation = 0; generation <= 2; generation++)
        cut_from(generation, &updating_two, sometimes_cut_again);
}

TEST(a_power_cut_during_the_upgrade_from_version_1_leaves_the_old_state_or_the_new)
{
    for (uint64_t counter = 1; counter <= 4; counter++) {
        struct memory_disk *disk = disk_of_version_1(7, counter);

        cut_everywhere(disk, 7, &updating, sometimes_cut_again);
        cut_everywhere(disk, 7, &updating, sometimes_update_and_cut_again);
        memory_disk_free(disk);
    }
}

TEST(a_power_cut_during_the_first_update_of_a_formatted_volume_of_version_1_is_harmless)
{
    struct memory_disk *disk = disk_of_version_1(0, 0);

    cut_everywhere(disk, 0, &updating, sometimes_cut_again);
    memory_disk_free(disk);
}

TEST(a_power_cut_while_the_key_is_changed_leaves_the_state_under_the_one_or_the_other)
{
    struct memory_disk *disk = disk_of(1, &updating);
    struct memory_disk *old = disk_of_version_1(1, 3);

    cut_everywhere(disk, 1, &rekeying, rekey_and_cut_again);
    cut_everywhere(old, 1, &rekeying, rekey_and_cut_again);
    memory_disk_free(disk);
    memory_disk_free(old);
}

/*
 * The process ends at every write, but the power stays, so that the next one finds writes that are
 * not durable; that one goes on, and then the power is cut, which undoes any of them.
 */
TEST(a_killed_process_and_then_a_power_cut_leave_a_state_that_was_or_was_to_be)
{
    bool durable = false;

    for (long writes = 0; !durable; writes++) {
        struct memory_disk *disk = disk_of(3, &updating);
        int before;

        disk->writes_left = writes;
        durable = update(disk);
        disk->writes_left = DISK_NO_LIMIT;
        before = generation_of(disk);
        assert_in_range(before, 3, 4);
        for (long later = 0; later < 12; later++) {
            struct memory_disk *next = memory_disk_copy(disk);
            struct memory_disk *look_at;

            next->writes_left = later;
            (void)!update(next);
            for (int i = 0; i < 200; i++) {
                int found;

                look_at = memory_disk_copy(next);
                memory_disk_settle(look_at, random_bits());
                found = generation_of(look_at);
                cuts++;
                if (found < 3 || found > before + 1)
                    fail_msg("killed after %ld writes, cut after %ld more: found %d", writes, later,
                             found);
                memory_disk_free(look_at);
            }
            memory_disk_free(next);
        }
        memory_disk_free(disk);
    }
}

/* What such a disk loses is refused, or is the state of an earlier time: never a part of one. */
TEST(a_disk_that_lies_about_flushes_gives_a_whole_state_or_none)
{
    struct memory_disk *disk = disk_of(3, &updating);

    disk->lies = true;
    for (int i = 0; i < 3; i++)
        assert_true(update(disk));
    for (int i = 0; i < 2000; i++) {
        struct memory_disk *cut = memory_disk_copy(disk);
        int found;

        memory_disk_settle(cut, random_bits() & (i % 2 == 0 ? random_bits() : UINT64_MAX));
        found = generation_of(cut);
        if (found != BROKEN && (found < 3 || found > 6))
            fail_msg("found %d", found);
        memory_disk_free(cut);
    }
    memory_disk_free(disk);
}

TEST(thousands_of_cuts_were_looked_at)
{
    print_message("%zu power cuts\n", cuts);
    assert_true(cuts > 5000);
}
