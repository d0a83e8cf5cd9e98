/* SPDX-License-Identifier: MIT */
/*
 * A host that kept images of a volume puts sectors of one into another: what opens is never a state
 * that it has no whole image of, and an older one only when nothing of the newer one's superblocks
 * is left. With the newest state as the anchor, nothing but that state opens.
 */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/registered.h"
#include "tests/unit/services/memory_disk.h"
#include "tests/unit/services/version1_volume.h"

#define VERSIONS     6
#define PAYLOAD_SIZE 700
#define CHANGED_MAX  16
#define EXHAUSTIVE   10 /* so many sectors that differ are combined in every way */
#define SAMPLES      1200

static const uint8_t key[VOLUME_KEY_SIZE] = {1, 2, 3};

/* Image n is of generation n, a payload of n in every byte, and has its superblock as an anchor. */
struct history {
    struct memory_disk *images[VERSIONS + 1];
    struct volume_anchor anchors[VERSIONS + 1];
};

static enum volume_status open_with(struct memory_disk *disk, const struct volume_anchor *anchor,
                                    int *generation)
{
    struct volume_storage storage = memory_disk_storage(disk);
    struct volume volume;
    uint8_t *payload = NULL;
    size_t size = 0;
    enum volume_status status = volume_open(&volume, &storage, key, anchor);

    *generation = 0;
    if (status == VOLUME_OK)
        status = volume_read(&volume, VOLUME_TPM_STATE, &payload, &size);
    if (status == VOLUME_OK) {
        assert_int_equal(size, PAYLOAD_SIZE);
        assert_memory_equal(payload, payload + 1, size - 1);
        *generation = payload[0];
    }
    OPENSSL_clear_free(payload, size);
    volume_close(&volume);
    return status;
}

static void update(struct memory_disk *disk, int generation, struct volume_anchor *anchor)
{
    struct volume_storage storage = memory_disk_storage(disk);
    uint8_t payload[PAYLOAD_SIZE];
    struct volume volume;
    enum volume_status status = volume_open(&volume, &storage, key, NULL);

    assert_true(status == VOLUME_OK || status == VOLUME_BLANK);
    memset(payload, generation, sizeof(payload));
    assert_int_equal(volume_update(&volume, VOLUME_TPM_STATE, payload, sizeof(payload)), VOLUME_OK);
    assert_int_equal(volume_settle(&volume), VOLUME_OK);
    anchor->counter = volume.current.superblock.counter;
    memcpy(anchor->root, volume.current.superblock.root, VOLUME_DIGEST_SIZE);
    volume_close(&volume);
}

/* With version_1, generation 1 is of that version, and 2 is what upgraded it. */
static void *history_new(bool version_1)
{
    struct history *history = calloc(1, sizeof(*history));
    struct memory_disk *disk = memory_disk_new();
    uint8_t payload[PAYLOAD_SIZE];

    assert_non_null(history);
    memset(payload, 1, sizeof(payload));
    history->images[0] = memory_disk_copy(disk);
    for (int n = 1; n <= VERSIONS; n++) {
        if (n == 1 && version_1)
            version1_volume_write(disk, key, 6, payload, sizeof(payload));
        else
            update(disk, n, &history->anchors[n]);
        history->images[n] = memory_disk_copy(disk);
    }
    memory_disk_free(disk);
    return history;
}

static int set_up(void **state)
{
    *state = history_new(false);
    return 0;
}

static int set_up_version_1(void **state)
{
    *state = history_new(true);
    return 0;
}

static int tear_down(void **state)
{
    struct history *history = *state;

    for (int n = 0; n <= VERSIONS; n++)
        memory_disk_free(history->images[n]);
    free(history);
    return 0;
}

static bool is_slot(size_t sector)
{
    return sector == 0 || sector == DISK_SIZE / 2 / SECTOR_SIZE ||
           sector == (DISK_SIZE - DISK_BLOCK_SIZE) / SECTOR_SIZE;
}

/* Where two images differ. */
struct difference {
    size_t count;
    size_t sectors[CHANGED_MAX];
};

static struct difference difference_of(const struct memory_disk *a, const struct memory_disk *b)
{
    struct difference difference = {0};

    for (size_t i = 0; i < DISK_SIZE / SECTOR_SIZE; i++)
        if (memcmp(a->bytes + i * SECTOR_SIZE, b->bytes + i * SECTOR_SIZE, SECTOR_SIZE) != 0) {
            assert_true(difference.count < CHANGED_MAX);
            difference.sectors[difference.count++] = i;
        }
    return difference;
}

enum source { OLDER, NEWER, NOISE, SOURCES };

/* Fills disk, and says whether a superblock of the newer image is in it. */
static bool mix(struct memory_disk *disk, const struct memory_disk *older,
                const struct memory_disk *newer, const struct difference *difference,
                const enum source *sources)
{
    bool newer_slot = false;

    for (size_t i = 0; i < difference->count; i++) {
        size_t at = difference->sectors[i] * SECTOR_SIZE;

        if (sources[i] == NOISE)
            memset(disk->bytes + at, 0x5a, SECTOR_SIZE);
        else
            memcpy(disk->bytes + at, (sources[i] == OLDER ? older : newer)->bytes + at,
                   SECTOR_SIZE);
        newer_slot |= sources[i] == NEWER && is_slot(difference->sectors[i]);
    }
    return newer_slot;
}

static void look_at_mixture(struct history *history, struct memory_disk *disk, int older, int newer,
                            bool newer_slot)
{
    int found;
    enum volume_status status = open_with(disk, NULL, &found);

    if (status == VOLUME_OK && found != newer && (found != older || newer_slot))
        fail_msg("of %d and %d: found %d", older, newer, found);
    if (status != VOLUME_OK && !volume_was_changed(status) && status != VOLUME_WRONG_KEY &&
        status != VOLUME_BLANK)
        fail_msg("of %d and %d: %s", older, newer, volume_status_text(status));

    status = open_with(disk, &history->anchors[newer], &found);
    if (status == VOLUME_OK && found != newer)
        fail_msg("of %d and %d, with an anchor: found %d", older, newer, found);
    if (status == VOLUME_BLANK)
        fail_msg("of %d and %d: blank, in spite of the anchor", older, newer);
}

static void try_mixtures(struct history *history, int older, int newer, unsigned kinds)
{
    struct difference difference = difference_of(history->images[older], history->images[newer]);
    struct memory_disk *disk = memory_disk_copy(history->images[newer]);
    bool exhaustive = kinds == 2 && difference.count <= EXHAUSTIVE;
    size_t mixtures = exhaustive ? (size_t)1 << difference.count : SAMPLES;
    uint32_t random = (uint32_t)(older * 31 + newer);
    enum source sources[CHANGED_MAX];
    int found;

    for (size_t m = 0; m < mixtures; m++) {
        for (size_t i = 0; i < difference.count; i++) {
            random = random * 1664525 + 1013904223;
            sources[i] = exhaustive ? m >> i & 1 : random / 65536 % kinds;
        }
        look_at_mixture(
            history, disk, older, newer,
            mix(disk, history->images[older], history->images[newer], &difference, sources));
    }
    memory_disk_free(disk);
    assert_int_equal(open_with(history->images[newer], &history->anchors[newer], &found),
                     VOLUME_OK);
    assert_int_equal(found, newer);
}

TEST_FIXTURE(a_mixture_of_two_images_opens_as_the_newer_one_or_is_refused, set_up, tear_down)
{
    for (int newer = 2; newer <= VERSIONS; newer++)
        for (int older = newer - 1; older >= 0; older--)
            try_mixtures(*state, older, newer, 2);
}

TEST_FIXTURE(a_mixture_of_two_images_and_noise_opens_as_the_newer_one_or_is_refused, set_up,
             tear_down)
{
    for (int older = 1; older < VERSIONS; older++)
        try_mixtures(*state, older, VERSIONS, SOURCES);
}

TEST_FIXTURE(sectors_from_before_an_upgrade_do_not_bring_version_1_back, set_up_version_1,
             tear_down)
{
    for (int newer = 2; newer <= VERSIONS; newer++) {
        try_mixtures(*state, 1, newer, 2);
        try_mixtures(*state, 1, newer, SOURCES);
    }
}

/* The state before the last is on no slot any more, so its superblocks have to be put back, too. */
TEST_FIXTURE(half_of_an_earlier_image_never_opens_as_an_older_state, set_up, tear_down)
{
    struct history *history = *state;

    for (int newer = 2; newer <= VERSIONS; newer++)
        for (int older = 1; older < newer; older++)
            for (int half = 0; half < 2; half++) {
                struct memory_disk *disk = memory_disk_copy(history->images[newer]);
                size_t at = half * DISK_SIZE / 2;
                enum volume_status status;
                int found;

                memcpy(disk->bytes + at, history->images[older]->bytes + at, DISK_SIZE / 2);
                status = open_with(disk, NULL, &found);
                if (status == VOLUME_OK && found != newer)
                    fail_msg("half %d of %d in %d: found %d", half, older, newer, found);
                if (older < newer - 1)
                    assert_int_equal(status, VOLUME_MIXED);
                memory_disk_free(disk);
            }
}

TEST_FIXTURE(an_anchor_refuses_every_earlier_image_by_name, set_up, tear_down)
{
    struct history *history = *state;
    int found;

    for (int n = 0; n < VERSIONS; n++)
        assert_int_equal(open_with(history->images[n], &history->anchors[VERSIONS], &found),
                         n == 0 ? VOLUME_ERASED : VOLUME_ROLLED_BACK);
    assert_int_equal(open_with(history->images[VERSIONS], &history->anchors[VERSIONS], &found),
                     VOLUME_OK);
    assert_int_equal(found, VERSIONS);
}

/* Noise over the slots does not make an older state of what an upgrade replaced. */
TEST_FIXTURE(nothing_of_version_1_is_left_to_go_back_to_after_an_upgrade, set_up_version_1,
             tear_down)
{
    struct history *history = *state;
    struct memory_disk *disk = memory_disk_copy(history->images[2]);
    int found;

    assert_int_equal(open_with(history->images[1], NULL, &found), VOLUME_OK);
    assert_int_equal(found, 1);
    for (size_t sector = 0; sector < DISK_SIZE / SECTOR_SIZE; sector++)
        if (is_slot(sector))
            memset(disk->bytes + sector * SECTOR_SIZE, 0x5a, SECTOR_SIZE);
    assert_int_equal(open_with(disk, NULL, &found), VOLUME_WRONG_KEY);
    memory_disk_free(disk);
}

/* Two copies of a volume that went on apart have states of the same number. */
TEST_FIXTURE(parts_of_two_copies_that_went_on_apart_are_refused, set_up, tear_down)
{
    struct history *history = *state;
    struct memory_disk *other = memory_disk_copy(history->images[4]);
    struct volume_anchor anchor;
    int found;

    update(other, 6, &anchor);
    assert_int_equal(anchor.counter, history->anchors[5].counter);
    for (size_t sector = 0; sector < DISK_SIZE / SECTOR_SIZE; sector++) {
        struct memory_disk *disk;

        if (!is_slot(sector))
            continue;
        disk = memory_disk_copy(history->images[5]);
        memcpy(disk->bytes + sector * SECTOR_SIZE, other->bytes + sector * SECTOR_SIZE,
               SECTOR_SIZE);
        assert_int_equal(open_with(disk, NULL, &found), VOLUME_MIXED);
        memory_disk_free(disk);
    }
    assert_int_equal(open_with(other, &history->anchors[5], &found), VOLUME_FORKED);
    memory_disk_free(other);
}
