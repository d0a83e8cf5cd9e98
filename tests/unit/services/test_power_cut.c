/* SPDX-License-Identifier: MIT */
/*
 * The power is cut after every sector write of an update, every unflushed write reaches the medium
 * or does not, one of them may be torn, and then the same happens to the update after it. What is
 * found is always the old state or the new one.
 */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/registered.h"
#include "tests/unit/services/memory_disk.h"

#define PAYLOAD_SIZE 700 /* two sectors */
#define BROKEN       (-1)
#define NOT_TORN     SIZE_MAX

static const uint8_t key[VOLUME_KEY_SIZE] = {1, 2, 3};

/* Generation n of the state is a payload of n in every byte; 0 is the blank volume. */
static int read_generation(struct volume *volume, struct memory_disk *disk)
{
    const struct volume_storage storage = memory_disk_storage(disk);
    uint8_t *payload = NULL;
    size_t size = 0;
    int generation = BROKEN;
    enum volume_status status = volume_open(volume, &storage, key, &payload, &size);

    if (status == VOLUME_BLANK)
        generation = 0;
    else if (status == VOLUME_OK && size == PAYLOAD_SIZE &&
             memcmp(payload, payload + 1, size - 1) == 0)
        generation = payload[0];
    OPENSSL_clear_free(payload, size);
    return generation;
}

static int generation_of(struct memory_disk *disk)
{
    struct volume volume;
    int generation = read_generation(&volume, disk);

    volume_close(&volume);
    return generation;
}

/* Updates to the generation that follows; true when the update says that it is durable. */
static bool update(struct memory_disk *disk)
{
    struct volume volume;
    uint8_t payload[PAYLOAD_SIZE];
    enum volume_status status;

    memset(payload, read_generation(&volume, disk) + 1, sizeof(payload));
    status = volume_update(&volume, payload, sizeof(payload));
    volume_close(&volume);
    return status == VOLUME_OK;
}

typedef void after_cut(struct memory_disk *disk, int generation);

/* Copies only what two sectors of payload can have touched: thousands of copies are made. */
static struct memory_disk *copy_of(const struct memory_disk *disk)
{
    size_t touched = 24 * SECTOR_SIZE;
    struct memory_disk *copy = memory_disk_new();
    uint8_t *bytes = copy->bytes;

    for (size_t slot = 0; slot < DISK_SIZE; slot += DISK_SIZE / 2)
        memcpy(bytes + slot, disk->bytes + slot, touched);
    copy->writes_left = disk->writes_left;
    copy->sectors_written = disk->sectors_written;
    copy->unflushed_count = disk->unflushed_count;
    memcpy(copy->unflushed, disk->unflushed, disk->unflushed_count * sizeof(copy->unflushed[0]));
    return copy;
}

/*
 * The one write that may not be torn: the first of all, on a blank volume. There is nothing yet by
 * which to know what half a sector once was (docs/state-volume.md, "What is assumed").
 */
static bool is_first_of_all(const struct memory_disk *cut)
{
    struct memory_disk *disk = copy_of(cut);
    bool blank;

    memory_disk_settle(disk, 0);
    blank = disk->bytes[0] == 0 && memcmp(disk->bytes, disk->bytes + 1, SECTOR_SIZE - 1) == 0;
    memory_disk_free(disk);
    return blank;
}

static void settle_and_look(const struct memory_disk *cut, uint64_t kept, size_t torn, int before,
                            bool durable, after_cut *then)
{
    struct memory_disk *disk = copy_of(cut);
    int found;

    memory_disk_settle_torn(disk, kept, torn);
    found = generation_of(disk);
    if (found != before + 1 && (durable || found != before))
        fail_msg("from state %d, %zu sectors written, kept %#llx, torn %zd: found %d", before,
                 cut->sectors_written, (unsigned long long)kept, (ssize_t)torn, found);
    if (then)
        then(disk, found);
    memory_disk_free(disk);
}

static void settle_in_every_way(const struct memory_disk *cut, int before, bool durable,
                                after_cut *then)
{
    uint64_t ways = (uint64_t)1 << cut->unflushed_count;
    size_t tearable = is_first_of_all(cut) ? 0 : cut->unflushed_count;

    for (uint64_t kept = 0; kept < ways; kept++) {
        settle_and_look(cut, kept, NOT_TORN, before, durable, then);
        for (size_t torn = 0; torn < tearable; torn++)
            settle_and_look(cut, kept, torn, before, durable, then);
    }
}

/* Cuts the power after every number of sector writes that the next update makes. */
static void cut_everywhere(const struct memory_disk *start, int before, after_cut *then)
{
    bool durable = false;

    for (long writes = 0; !durable; writes++) {
        struct memory_disk *disk = copy_of(start);

        disk->writes_left = writes;
        durable = update(disk);
        settle_in_every_way(disk, before, durable, then);
        memory_disk_free(disk);
    }
}

static void cut_again(struct memory_disk *disk, int generation)
{
    cut_everywhere(disk, generation, NULL);
}

static void update_and_cut_again(struct memory_disk *disk, int generation)
{
    assert_true(update(disk));
    cut_everywhere(disk, generation + 1, NULL);
}

static void cut_from(int generation, after_cut *then)
{
    struct memory_disk *disk = memory_disk_new();

    for (int i = 0; i < generation; i++)
        assert_true(update(disk));
    cut_everywhere(disk, generation, then); /* the last update's second copy is still unflushed */
    memory_disk_free(disk);
}

TEST(a_power_cut_during_the_first_update_leaves_a_blank_volume_or_the_state)
{
    cut_from(0, NULL);
}

TEST(a_power_cut_during_an_update_leaves_the_old_state_or_the_new)
{
    for (int generation = 1; generation <= 3; generation++)
        cut_from(generation, NULL);
}

TEST(two_power_cuts_in_a_row_leave_the_old_state_or_the_new)
{
    for (int generation = 0; generation <= 2; generation++)
        cut_from(generation, cut_again);
}

TEST(two_power_cuts_with_an_update_between_leave_the_old_state_or_the_new)
{
    for (int generation = 0; generation <= 2; generation++)
        cut_from(generation, update_and_cut_again);
}
