/* SPDX-License-Identifier: MIT */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/registered.h"
#include "tests/unit/services/memory_disk.h"

#define PAYLOAD_SIZE 1300 /* three sectors, the last one not full */
#define MIDDLE       (DISK_SIZE / 2)
#define LAST         (DISK_SIZE - DISK_BLOCK_SIZE)
#define FIRST_OBJECT (2 * DISK_BLOCK_SIZE) /* where one lies if nothing else does */
#define LAST_TABLE   (LAST - DISK_BLOCK_SIZE)
#define ROOM         (MIDDLE - FIRST_OBJECT) /* in one piece */

#define TEST_VOLUME(name) TEST_FIXTURE(name, set_up, tear_down)

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
    enum volume_status status = volume_open(&volume, &f->storage, f->key, NULL);

    make_payload(payload, generation);
    if (status == VOLUME_OK || status == VOLUME_BLANK)
        status = volume_update(&volume, VOLUME_TPM_STATE, payload, sizeof(payload));
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
    enum volume_status status = volume_open(&volume, &f->storage, f->key, NULL);

    if (status == VOLUME_OK)
        status = volume_read(&volume, VOLUME_TPM_STATE, &payload, &size);

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

TEST_VOLUME(a_volume_of_zeros_is_blank)
{
    assert_int_equal(generation_of(*state), 0);
}

TEST_VOLUME(every_update_is_what_the_next_open_finds)
{
    updated_to(*state, 9);
}

static enum volume_status open_it(struct fixture *f, struct volume *volume)
{
    return volume_open(volume, &f->storage, f->key, NULL);
}

TEST_VOLUME(one_open_volume_takes_many_updates)
{
    struct fixture *f = *state;
    uint8_t payload[PAYLOAD_SIZE];
    struct volume volume;

    assert_int_equal(open_it(f, &volume), VOLUME_BLANK);
    for (uint8_t n = 1; n <= 5; n++) {
        make_payload(payload, n);
        assert_int_equal(volume_update(&volume, VOLUME_TPM_STATE, payload, sizeof(payload)),
                         VOLUME_OK);
        assert_int_equal(generation_of(f), n);
    }
    assert_int_equal(volume.current.superblock.counter, 5);
    volume_close(&volume);
}

TEST_VOLUME(an_empty_payload_and_one_of_all_the_room_are_kept)
{
    struct fixture *f = *state;
    uint8_t *big = calloc(1, ROOM + 1);
    uint8_t *found = NULL;
    struct volume volume;
    size_t size = 1;

    assert_non_null(big);
    assert_int_equal(open_it(f, &volume), VOLUME_BLANK);
    assert_int_equal(volume_update(&volume, VOLUME_TPM_STATE, big, ROOM + 1), VOLUME_TOO_LARGE);
    assert_int_equal(volume_update(&volume, VOLUME_TPM_STATE, big, 0), VOLUME_OK);
    volume_close(&volume);
    assert_int_equal(open_it(f, &volume), VOLUME_OK);
    assert_int_equal(volume_read(&volume, VOLUME_TPM_STATE, &found, &size), VOLUME_OK);
    assert_int_equal(size, 0);
    OPENSSL_clear_free(found, size);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(
            volume_update(&volume, VOLUME_TPM_STATE, big, ROOM - DISK_BLOCK_SIZE * (i % 2 + 3)),
            VOLUME_OK);
        assert_int_equal(volume_read(&volume, VOLUME_TPM_STATE, &found, &size), VOLUME_OK);
        OPENSSL_clear_free(found, size);
    }
    volume_close(&volume);
    free(big);
}

TEST_VOLUME(objects_are_kept_apart_and_unchanged_ones_are_not_written_again)
{
    struct fixture *f = *state;
    uint8_t variables[20 * SECTOR_SIZE];
    struct volume volume;
    struct volume_change remove = {.name = "uefi-variables"};
    uint8_t *found;
    size_t size;
    size_t written;

    memset(variables, 0xee, sizeof(variables));
    updated_to(f, 1);
    assert_int_equal(open_it(f, &volume), VOLUME_OK);
    assert_int_equal(volume_update(&volume, "uefi-variables", variables, sizeof(variables)),
                     VOLUME_OK);
    volume_close(&volume);
    written = f->disk->sectors_written;
    assert_int_equal(update(f, 2), VOLUME_OK);
    assert_true(f->disk->sectors_written - written < 10);

    assert_int_equal(open_it(f, &volume), VOLUME_OK);
    assert_int_equal(volume_read(&volume, "uefi-variables", &found, &size), VOLUME_OK);
    assert_int_equal(size, sizeof(variables));
    assert_memory_equal(found, variables, size);
    OPENSSL_clear_free(found, size);
    assert_int_equal(volume_read(&volume, "another", &found, &size), VOLUME_NO_OBJECT);
    assert_int_equal(volume_commit(&volume, &remove, 1), VOLUME_OK);
    volume_acknowledge(&volume);
    volume_close(&volume);
    assert_int_equal(open_it(f, &volume), VOLUME_OK);
    assert_int_equal(volume_read(&volume, "uefi-variables", &found, &size), VOLUME_NO_OBJECT);
    volume_close(&volume);
    assert_int_equal(generation_of(f), 2);
}

TEST_VOLUME(there_are_sixteen_objects_at_most_and_names_are_checked)
{
    struct fixture *f = *state;
    const char *bad[] = {"",           "Upper", "with space",
                         "-begins",    "a/b",   "a-name-of-thirty-two-characters.",
                         "caf\xc3\xa9"};
    struct volume volume;
    uint8_t byte = 7;
    char name[] = "object-x";

    assert_int_equal(open_it(f, &volume), VOLUME_BLANK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(volume_update(&volume, bad[i], &byte, 1), VOLUME_BAD_NAME);
    for (int i = 0; i < VOLUME_OBJECTS_MAX; i++) {
        name[7] = (char)('a' + i);
        assert_int_equal(volume_update(&volume, name, &byte, 1), VOLUME_OK);
    }
    assert_int_equal(volume_update(&volume, "one-more", &byte, 1), VOLUME_TOO_LARGE);
    volume_close(&volume);
    assert_int_equal(open_it(f, &volume), VOLUME_OK);
    assert_int_equal(volume.current.table.count, VOLUME_OBJECTS_MAX);
    volume_close(&volume);
}

TEST_VOLUME(another_key_is_a_wrong_key_and_writes_nothing)
{
    struct fixture *f = *state;

    updated_to(f, 3);
    f->key[5] ^= 1;
    assert_int_equal(generation_of(f), -VOLUME_WRONG_KEY);
    assert_int_equal(update(f, 9), VOLUME_WRONG_KEY);
    f->key[5] ^= 1;
    assert_int_equal(generation_of(f), 3);
}

TEST_VOLUME(an_update_after_a_failed_open_is_refused)
{
    struct fixture *f = *state;
    struct volume volume;
    size_t written;

    updated_to(f, 1);
    f->key[0] ^= 1;
    written = f->disk->sectors_written;
    assert_int_equal(open_it(f, &volume), VOLUME_WRONG_KEY);
    assert_int_equal(volume_update(&volume, VOLUME_TPM_STATE, (const uint8_t *)"x", 1),
                     VOLUME_NOT_WRITABLE);
    assert_int_equal(volume_settle(&volume), VOLUME_NOT_WRITABLE);
    assert_int_equal(volume_rekey(&volume, f->key, NULL, 0), VOLUME_NOT_WRITABLE);
    assert_int_equal(f->disk->sectors_written, written);
    volume_close(&volume);
}

/* But for the middle block, which the first write of all may have torn. */
TEST_VOLUME(a_single_byte_anywhere_makes_a_volume_not_blank)
{
    struct fixture *f = *state;
    const size_t places[] = {
        0, 511, 512, 4096, MIDDLE - 1, MIDDLE + DISK_BLOCK_SIZE, DISK_SIZE - 1};

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        f->disk->bytes[places[i]] = 1;
        assert_int_equal(generation_of(f), -VOLUME_WRONG_KEY);
        f->disk->bytes[places[i]] = 0;
    }
    f->disk->bytes[MIDDLE + 5] = 1;
    assert_int_equal(generation_of(f), 0);
    assert_int_equal(update(f, 1), VOLUME_OK);
    assert_int_equal(generation_of(f), 1);
}

TEST_VOLUME(a_key_of_equal_halves_is_named)
{
    struct fixture *f = *state;

    memcpy(f->key + 32, f->key, 32);
    assert_int_equal(generation_of(f), -VOLUME_WEAK_KEY);
}

TEST_VOLUME(a_size_that_is_too_small_or_no_multiple_of_4096_is_named)
{
    struct fixture *f = *state;
    const uint64_t sizes[] = {0, 512, VOLUME_SIZE_MIN - 4096, VOLUME_SIZE_MIN + 512};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        f->disk->size = sizes[i];
        assert_int_equal(generation_of(f), -VOLUME_BAD_SIZE);
    }
}

TEST_VOLUME(a_failing_read_is_never_taken_for_a_blank_or_damaged_volume)
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
TEST_VOLUME(a_flipped_bit_never_opens_another_state)
{
    struct fixture *f = *state;
    const size_t used[] = {0,
                           MIDDLE,
                           LAST,
                           FIRST_OBJECT,
                           FIRST_OBJECT + SECTOR_SIZE,
                           FIRST_OBJECT + 2 * SECTOR_SIZE,
                           FIRST_OBJECT + DISK_BLOCK_SIZE,
                           LAST_TABLE,
                           LAST_TABLE - DISK_BLOCK_SIZE};

    updated_to(f, 4);
    for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++)
        for (size_t byte = 0; byte < SECTOR_SIZE; byte++) {
            uint8_t bit = (uint8_t)(1 << byte % 8);
            int found;

            f->disk->bytes[used[i] + byte] ^= bit;
            found = generation_of(f);
            if (found != 4 && found != -VOLUME_DAMAGED)
                fail_msg("byte %zu: found %d", used[i] + byte, found);
            f->disk->bytes[used[i] + byte] ^= bit;
        }
}

/* Which of the two places has the newest state depends on the number of updates. */
TEST_VOLUME(a_changed_payload_is_damage_and_not_the_state_before)
{
    struct fixture *f = *state;
    int damaged = 0;

    updated_to(f, 4);
    for (size_t at = FIRST_OBJECT; at <= FIRST_OBJECT + DISK_BLOCK_SIZE; at += DISK_BLOCK_SIZE) {
        f->disk->bytes[at] ^= 1;
        if (generation_of(f) != 4) {
            damaged++;
            assert_int_equal(generation_of(f), -VOLUME_DAMAGED);
        }
        f->disk->bytes[at] ^= 1;
        assert_int_equal(generation_of(f), 4);
    }
    assert_int_equal(damaged, 1);
}

TEST_VOLUME(lost_superblocks_change_nothing_while_one_is_left_and_the_next_update_heals_them)
{
    struct fixture *f = *state;
    const size_t slots[SLOTS] = {0, MIDDLE, LAST};
    uint8_t generation = 4;

    updated_to(f, generation);
    for (size_t left = 0; left < SLOTS; left++) {
        for (size_t lost = 0; lost < SLOTS; lost++)
            if (lost != left)
                memset(f->disk->bytes + slots[lost], 0x5a, SECTOR_SIZE);
        assert_int_equal(generation_of(f), generation);
        assert_int_equal(update(f, ++generation), VOLUME_OK);
        assert_int_equal(generation_of(f), generation);
        for (size_t slot = 0; slot < SLOTS; slot++) {
            uint8_t saved[SECTOR_SIZE];

            memcpy(saved, f->disk->bytes + slots[slot], SECTOR_SIZE);
            memset(f->disk->bytes + slots[slot], 0x5a, SECTOR_SIZE);
            assert_int_equal(generation_of(f), generation);
            memcpy(f->disk->bytes + slots[slot], saved, SECTOR_SIZE);
        }
    }
}

TEST_VOLUME(forged_superblocks_in_all_slots_are_damage)
{
    struct fixture *f = *state;

    updated_to(f, 4);
    f->disk->bytes[50] ^= 1;
    f->disk->bytes[MIDDLE + 50] ^= 1;
    assert_int_equal(generation_of(f), 4);
    f->disk->bytes[LAST + 50] ^= 1;
    assert_int_equal(generation_of(f), -VOLUME_DAMAGED);
}

/* The first superblock is in the one half, the last one in the other. */
TEST_VOLUME(a_slot_replayed_from_an_earlier_time_is_damage)
{
    struct fixture *f = *state;
    struct memory_disk *now;
    struct memory_disk *old;

    updated_to(f, 3);
    for (uint8_t n = 4; n < 9; n++) {
        old = memory_disk_copy(f->disk);
        updated_to(f, n);
        if (n == 7)
            break;
        memory_disk_free(old);
    }
    memory_disk_free(old);
    old = memory_disk_copy(f->disk);
    updated_to(f, 9);
    now = memory_disk_copy(f->disk);
    memcpy(f->disk->bytes, old->bytes, MIDDLE);
    assert_int_equal(generation_of(f), -VOLUME_MIXED);
    memcpy(f->disk->bytes, now->bytes, MIDDLE);
    memcpy(f->disk->bytes + MIDDLE, old->bytes + MIDDLE, DISK_SIZE - MIDDLE);
    assert_int_equal(generation_of(f), -VOLUME_MIXED);
    memcpy(f->disk->bytes + MIDDLE, now->bytes + MIDDLE, DISK_SIZE - MIDDLE);
    assert_int_equal(generation_of(f), 9);
    memory_disk_free(old);
    memory_disk_free(now);
}

TEST_VOLUME(a_slot_of_another_volume_under_the_same_key_is_damage)
{
    struct fixture *f = *state;
    struct fixture other = *f;

    other.disk = memory_disk_new();
    other.storage = memory_disk_storage(other.disk);
    updated_to(f, 4);
    updated_to(&other, 5);
    memcpy(f->disk->bytes + MIDDLE, other.disk->bytes + MIDDLE, DISK_SIZE - MIDDLE);
    assert_int_equal(generation_of(f), -VOLUME_FOREIGN);
    memory_disk_free(other.disk);
}

TEST_VOLUME(a_failing_write_leaves_the_old_state_or_the_new_one_and_is_reported)
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

TEST_VOLUME(a_volume_in_doubt_takes_no_further_update)
{
    struct fixture *f = *state;
    uint8_t payload[PAYLOAD_SIZE] = {7};
    struct volume volume;

    updated_to(f, 2);
    assert_int_equal(open_it(f, &volume), VOLUME_OK);
    f->disk->writes_left = 5; /* three of the payload, table and superblock, then no flush */
    assert_int_equal(volume_update(&volume, VOLUME_TPM_STATE, payload, sizeof(payload)),
                     VOLUME_IO_FAILED);
    f->disk->writes_left = DISK_NO_LIMIT;
    assert_true(volume.in_doubt);
    assert_int_equal(volume_update(&volume, VOLUME_TPM_STATE, payload, sizeof(payload)),
                     VOLUME_NOT_WRITABLE);
    volume_close(&volume);
}

TEST_VOLUME(an_update_takes_two_flushes_and_the_first_after_opening_one_more)
{
    struct fixture *f = *state;
    uint8_t payload[PAYLOAD_SIZE] = {7};
    struct volume volume;

    updated_to(f, 2);
    assert_int_equal(open_it(f, &volume), VOLUME_OK);
    for (int i = 0; i < 3; i++) {
        size_t before = f->disk->flushes;

        assert_int_equal(volume_update(&volume, VOLUME_TPM_STATE, payload, sizeof(payload)),
                         VOLUME_OK);
        assert_int_equal(f->disk->flushes - before, i == 0 ? 3 : 2);
    }
    volume_close(&volume);
}

/* Sixteen bytes are what the encryption of the sectors maps to the same, wherever they are the
 * same. */
TEST_VOLUME(the_host_does_not_see_which_blocks_of_a_payload_changed)
{
    struct fixture *f = *state;
    struct memory_disk *before;
    size_t same = 0;

    updated_to(f, 2);
    before = memory_disk_copy(f->disk);
    assert_int_equal(update(f, 2), VOLUME_OK); /* the same payload, three times: */
    assert_int_equal(update(f, 2), VOLUME_OK); /* once more where it lies now */
    for (size_t at = FIRST_OBJECT; at < DISK_SIZE; at += 16) {
        const uint8_t *old = before->bytes + at;

        if (at % MIDDLE / SECTOR_SIZE == 0 || at >= LAST) /* superblocks */
            continue;
        same += !bytes_are_zero(old, 16) && memcmp(old, f->disk->bytes + at, 16) == 0;
    }
    memory_disk_free(before);
    assert_int_equal(same, 0);
}

TEST_VOLUME(another_key_opens_the_same_objects_and_the_old_one_nothing)
{
    struct fixture *f = *state;
    uint8_t old_key[VOLUME_KEY_SIZE];
    uint8_t new_key[VOLUME_KEY_SIZE] = {0};
    struct volume volume;

    updated_to(f, 3);
    memcpy(old_key, f->key, sizeof(old_key));
    assert_int_equal(open_it(f, &volume), VOLUME_OK);
    assert_int_equal(volume_update(&volume, "another", (const uint8_t *)"x", 1), VOLUME_OK);
    assert_int_equal(volume_rekey(&volume, new_key, NULL, 0), VOLUME_WEAK_KEY);
    volume_close(&volume);
    assert_int_equal(generation_of(f), 3);

    new_key[0] = 1;
    assert_int_equal(open_it(f, &volume), VOLUME_OK);
    assert_int_equal(volume_rekey(&volume, new_key, NULL, 0), VOLUME_OK);
    assert_int_equal(generation_of(f), 3); /* both open it */
    memcpy(f->key, new_key, sizeof(new_key));
    assert_int_equal(generation_of(f), 3);
    volume_acknowledge(&volume);
    assert_int_equal(volume_settle(&volume), VOLUME_OK);
    assert_int_equal(volume.current.table.count, 2);
    volume_close(&volume);

    memcpy(f->key, old_key, sizeof(old_key));
    assert_int_equal(generation_of(f), -VOLUME_WRONG_KEY);
    memcpy(f->key, new_key, sizeof(new_key));
    assert_int_equal(generation_of(f), 3);
    assert_int_equal(update(f, 4), VOLUME_OK);
    assert_int_equal(generation_of(f), 4);
}

TEST_VOLUME(settling_gives_every_slot_the_state)
{
    struct fixture *f = *state;
    const size_t slots[SLOTS] = {0, MIDDLE, LAST};
    struct volume volume;

    updated_to(f, 3);
    memset(f->disk->bytes + slots[1], 0x5a, SECTOR_SIZE);
    memset(f->disk->bytes + slots[2], 0x5a, SECTOR_SIZE);
    assert_int_equal(open_it(f, &volume), VOLUME_OK);
    assert_int_equal(volume_settle(&volume), VOLUME_OK);
    volume_close(&volume);
    memset(f->disk->bytes + slots[0], 0x5a, SECTOR_SIZE);
    assert_int_equal(generation_of(f), 3);
}

/* A disk that answers for one sector with another one's contents. */
TEST_VOLUME(sectors_in_each_others_place_never_open_another_state)
{
    struct fixture *f = *state;
    struct memory_disk *right;

    updated_to(f, 4);
    right = memory_disk_copy(f->disk);
    for (size_t a = 0; a < DISK_SIZE; a += SECTOR_SIZE)
        for (size_t b = 0; b < DISK_SIZE; b += SECTOR_SIZE) {
            int found;

            if (a == b || bytes_are_zero(right->bytes + a, SECTOR_SIZE) ||
                bytes_are_zero(right->bytes + b, SECTOR_SIZE))
                continue;
            memcpy(f->disk->bytes + a, right->bytes + b, SECTOR_SIZE);
            found = generation_of(f);
            if (found != 4 && found != -VOLUME_DAMAGED)
                fail_msg("%zu in the place of %zu: found %d", b, a, found);
            memcpy(f->disk->bytes + a, right->bytes + a, SECTOR_SIZE);
        }
    memory_disk_free(right);
}
