/* SPDX-License-Identifier: MIT */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/registered.h"
#include "tests/unit/services/memory_disk.h"

#define PAYLOAD_SIZE 1300 /* three sectors, the last one not full */
#define SLOT_SECTORS (DISK_SIZE / 2 / SECTOR_SIZE)
#define PAYLOAD_AT   16 /* sectors into a slot */

struct fixture {
    struct memory_disk *disk;
    struct volume_storage storage;
    uint8_t key[VOLUME_KEY_SIZE];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->disk = memory_disk_new();
    f->storage = memory_disk_storage(f->disk);
    for (size_t i = 0; i < sizeof(f->key); i++)
        f->key[i] = (uint8_t)(i + 1);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    memory_disk_free(f->disk);
    free(f);
    return 0;
}

/* The payload of generation n: n in every byte. */
static void make_payload(uint8_t payload[PAYLOAD_SIZE], uint8_t n)
{
    memset(payload, n, PAYLOAD_SIZE);
}

static enum volume_status update(struct fixture *f, uint8_t generation)
{
    uint8_t payload[PAYLOAD_SIZE];
    struct volume volume;
    uint8_t *old = NULL;
    size_t size = 0;
    enum volume_status status = volume_open(&volume, &f->storage, f->key, &old, &size);

    make_payload(payload, generation);
    if (status == VOLUME_OK || status == VOLUME_BLANK)
        status = volume_update(&volume, payload, sizeof(payload));
    OPENSSL_clear_free(old, size);
    volume_close(&volume);
    return status;
}

/* Opens and returns the generation: 0 for a blank volume, -status for failures. */
static int generation_of(struct fixture *f)
{
    struct volume volume;
    uint8_t expected[PAYLOAD_SIZE];
    uint8_t *payload = NULL;
    size_t size = 0;
    int generation;
    size_t written = f->disk->sectors_written;
    enum volume_status status = volume_open(&volume, &f->storage, f->key, &payload, &size);

    assert_int_equal(f->disk->sectors_written, written); /* opening never writes */
    if (status == VOLUME_BLANK) {
        generation = 0;
    } else if (status != VOLUME_OK) {
        generation = -(int)status;
    } else {
        assert_int_equal(size, PAYLOAD_SIZE);
        make_payload(expected, payload[0]);
        assert_memory_equal(payload, expected, size); /* never a mix */
        generation = payload[0];
    }
    OPENSSL_clear_free(payload, size);
    volume_close(&volume);
    return generation;
}

static void updated_to(struct fixture *f, uint8_t last)
{
    for (uint8_t n = 1; n <= last; n++) {
        assert_int_equal(update(f, n), VOLUME_OK);
        assert_int_equal(generation_of(f), n);
    }
}

TEST_FIXTURE(a_volume_of_zeros_is_blank, set_up, tear_down)
{
    assert_int_equal(generation_of(*state), 0);
}

TEST_FIXTURE(every_update_is_what_the_next_open_finds, set_up, tear_down)
{
    updated_to(*state, 9);
}

TEST_FIXTURE(one_open_volume_takes_many_updates, set_up, tear_down)
{
    struct fixture *f = *state;
    uint8_t payload[PAYLOAD_SIZE];
    struct volume volume;
    uint8_t *none = NULL;
    size_t size = 0;

    assert_int_equal(volume_open(&volume, &f->storage, f->key, &none, &size), VOLUME_BLANK);
    for (uint8_t n = 1; n <= 5; n++) {
        make_payload(payload, n);
        assert_int_equal(volume_update(&volume, payload, sizeof(payload)), VOLUME_OK);
        assert_int_equal(generation_of(f), n);
    }
    assert_int_equal(volume.current.counter, 5);
    volume_close(&volume);
}

TEST_FIXTURE(an_empty_payload_and_one_of_all_the_room_are_kept, set_up, tear_down)
{
    struct fixture *f = *state;
    size_t room = (SLOT_SECTORS - PAYLOAD_AT) * SECTOR_SIZE;
    uint8_t *big = calloc(1, room + 1);
    uint8_t *found = NULL;
    struct volume volume;
    size_t size = 0;

    assert_non_null(big);
    assert_int_equal(volume_open(&volume, &f->storage, f->key, &found, &size), VOLUME_BLANK);
    assert_int_equal(volume_update(&volume, big, room + 1), VOLUME_TOO_LARGE);
    assert_int_equal(volume_update(&volume, big, 0), VOLUME_OK);
    volume_close(&volume);
    assert_int_equal(volume_open(&volume, &f->storage, f->key, &found, &size), VOLUME_OK);
    assert_int_equal(size, 0);
    OPENSSL_clear_free(found, size);
    volume_close(&volume);
    free(big);
}

TEST_FIXTURE(another_key_is_a_wrong_key_and_writes_nothing, set_up, tear_down)
{
    struct fixture *f = *state;

    updated_to(f, 3);
    f->key[5] ^= 1;
    assert_int_equal(generation_of(f), -VOLUME_WRONG_KEY);
    assert_int_equal(update(f, 9), VOLUME_WRONG_KEY);
    f->key[5] ^= 1;
    assert_int_equal(generation_of(f), 3);
}

TEST_FIXTURE(an_update_after_a_failed_open_is_refused, set_up, tear_down)
{
    struct fixture *f = *state;
    struct volume volume;
    uint8_t *payload = NULL;
    size_t size = 0;
    size_t written;

    updated_to(f, 1);
    f->key[0] ^= 1;
    written = f->disk->sectors_written;
    assert_int_equal(volume_open(&volume, &f->storage, f->key, &payload, &size), VOLUME_WRONG_KEY);
    assert_int_equal(volume_update(&volume, (const uint8_t *)"x", 1), VOLUME_IO_FAILED);
    assert_int_equal(f->disk->sectors_written, written);
    volume_close(&volume);
}

TEST_FIXTURE(a_single_byte_anywhere_makes_a_volume_not_blank, set_up, tear_down)
{
    struct fixture *f = *state;
    const size_t places[] = {0, 511, 512, 4096, DISK_SIZE / 2, DISK_SIZE - 1};

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        f->disk->bytes[places[i]] = 1;
        assert_int_equal(generation_of(f), -VOLUME_WRONG_KEY);
        f->disk->bytes[places[i]] = 0;
    }
    assert_int_equal(generation_of(f), 0);
}

TEST_FIXTURE(a_key_of_equal_halves_is_named, set_up, tear_down)
{
    struct fixture *f = *state;

    memcpy(f->key + 32, f->key, 32);
    assert_int_equal(generation_of(f), -VOLUME_WEAK_KEY);
}

TEST_FIXTURE(a_size_that_is_too_small_or_no_multiple_of_4096_is_named, set_up, tear_down)
{
    struct fixture *f = *state;
    const uint64_t sizes[] = {0, 512, VOLUME_SIZE_MIN - 4096, VOLUME_SIZE_MIN + 512};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        f->disk->size = sizes[i];
        assert_int_equal(generation_of(f), -VOLUME_BAD_SIZE);
    }
}

TEST_FIXTURE(a_failing_read_is_never_taken_for_a_blank_or_damaged_volume, set_up, tear_down)
{
    struct fixture *f = *state;

    for (int blank = 1; blank >= 0; blank--) {
        int expected = blank ? 0 : 2;

        if (!blank)
            updated_to(f, 2);
        for (long reads = 0;; reads++) {
            f->disk->reads_left = reads;
            if (generation_of(f) == expected)
                break;
            f->disk->reads_left = reads;
            assert_int_equal(generation_of(f), -VOLUME_IO_FAILED);
        }
        f->disk->reads_left = DISK_NO_LIMIT;
    }
}

/* Every sector that is in use is looked at in every byte. */
TEST_FIXTURE(a_flipped_bit_never_opens_another_state, set_up, tear_down)
{
    struct fixture *f = *state;
    const size_t used[] = {0, 8, 16, 17, 18};

    updated_to(f, 4);
    for (size_t slot = 0; slot < 2; slot++) {
        for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++) {
            size_t start = (slot * SLOT_SECTORS + used[i]) * SECTOR_SIZE;

            for (size_t byte = 0; byte < SECTOR_SIZE; byte++) {
                uint8_t bit = (uint8_t)(1 << byte % 8);
                int found;

                f->disk->bytes[start + byte] ^= bit;
                found = generation_of(f);
                assert_true(found == 4 || found == -VOLUME_DAMAGED);
                f->disk->bytes[start + byte] ^= bit;
            }
        }
    }
}

TEST_FIXTURE(a_changed_payload_is_damage_and_not_the_state_before, set_up, tear_down)
{
    struct fixture *f = *state;

    updated_to(f, 4);
    f->disk->bytes[PAYLOAD_AT * SECTOR_SIZE] ^= 1;
    assert_int_equal(generation_of(f), -VOLUME_DAMAGED);
    assert_int_equal(update(f, 9), VOLUME_DAMAGED);
    f->disk->bytes[PAYLOAD_AT * SECTOR_SIZE] ^= 1;
    assert_int_equal(generation_of(f), 4);
}

TEST_FIXTURE(one_lost_superblock_copy_changes_nothing_and_the_next_updates_heal_it, set_up,
             tear_down)
{
    struct fixture *f = *state;
    uint8_t generation = 4;

    updated_to(f, generation);
    for (size_t copy = 0; copy < 2; copy++) {
        for (size_t slot = 0; slot < 2; slot++) {
            size_t lost = (slot * SLOT_SECTORS + 8 * copy) * SECTOR_SIZE;

            memset(f->disk->bytes + lost, 0x5a, SECTOR_SIZE);
            assert_int_equal(generation_of(f), generation);
            for (int updates = 0; updates < 2; updates++) {
                assert_int_equal(update(f, ++generation), VOLUME_OK);
                assert_int_equal(generation_of(f), generation);
            }
        }
    }
}

TEST_FIXTURE(both_superblock_copies_of_a_slot_lost_is_damage, set_up, tear_down)
{
    struct fixture *f = *state;

    updated_to(f, 4);
    for (size_t slot = 0; slot < 2; slot++) {
        uint8_t saved[9 * SECTOR_SIZE];
        uint8_t *at = f->disk->bytes + slot * SLOT_SECTORS * SECTOR_SIZE;

        memcpy(saved, at, sizeof(saved));
        memset(at, 0, sizeof(saved));
        assert_int_equal(generation_of(f), -VOLUME_DAMAGED);
        memset(at, 0x5a, sizeof(saved));
        assert_int_equal(generation_of(f), -VOLUME_DAMAGED);
        memcpy(at, saved, sizeof(saved));
    }
    assert_int_equal(generation_of(f), 4);
}

TEST_FIXTURE(a_slot_replayed_from_an_earlier_time_is_damage, set_up, tear_down)
{
    struct fixture *f = *state;
    uint8_t *old = malloc(DISK_SIZE / 2);

    assert_non_null(old);
    updated_to(f, 4);
    memcpy(old, f->disk->bytes, DISK_SIZE / 2);
    updated_to(f, 9);
    memcpy(f->disk->bytes, old, DISK_SIZE / 2);
    assert_int_equal(generation_of(f), -VOLUME_DAMAGED);
    free(old);
}

TEST_FIXTURE(a_slot_of_another_volume_under_the_same_key_is_damage, set_up, tear_down)
{
    struct fixture *f = *state;
    struct fixture other = *f;

    other.disk = memory_disk_new();
    other.storage = memory_disk_storage(other.disk);
    updated_to(f, 4);
    updated_to(&other, 5);
    memcpy(f->disk->bytes + DISK_SIZE / 2, other.disk->bytes + DISK_SIZE / 2, DISK_SIZE / 2);
    assert_int_equal(generation_of(f), -VOLUME_DAMAGED);
    memory_disk_free(other.disk);
}

TEST_FIXTURE(a_failing_write_leaves_the_old_state_or_the_new_one_and_is_reported, set_up, tear_down)
{
    struct fixture *f = *state;

    updated_to(f, 2);
    for (long writes = 0;; writes++) {
        int before = generation_of(f);
        enum volume_status status;

        f->disk->writes_left = writes;
        status = update(f, (uint8_t)(before + 1));
        f->disk->writes_left = DISK_NO_LIMIT;
        if (status == VOLUME_OK)
            break;
        assert_int_equal(status, VOLUME_IO_FAILED);
        assert_in_range(generation_of(f), before, before + 1);
    }
}

TEST_FIXTURE(a_volume_in_doubt_takes_no_further_update, set_up, tear_down)
{
    struct fixture *f = *state;
    uint8_t payload[PAYLOAD_SIZE] = {7};
    uint8_t *old = NULL;
    struct volume volume;
    size_t size = 0;

    updated_to(f, 2);
    assert_int_equal(volume_open(&volume, &f->storage, f->key, &old, &size), VOLUME_OK);
    f->disk->writes_left = 4; /* three payload sectors and the superblock, then no flush */
    assert_int_equal(volume_update(&volume, payload, sizeof(payload)), VOLUME_IO_FAILED);
    f->disk->writes_left = DISK_NO_LIMIT;
    assert_true(volume.in_doubt);
    assert_int_equal(volume_update(&volume, payload, sizeof(payload)), VOLUME_IO_FAILED);
    OPENSSL_clear_free(old, size);
    volume_close(&volume);
}
