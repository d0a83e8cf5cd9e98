/* SPDX-License-Identifier: MIT */
/* What volumes do, in either store. */
#include <string.h>

#include "tests/unit/kbs-store/fixture.h"
#include "tests/unit/registered.h"

TEST_FIXTURE(a_volume_is_found_by_id_name_and_measurement, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct volume added, volume;
    struct store_unit *unit;
    const uint8_t measurement[LAUNCH_DIGEST_SIZE] = {0xaa}, other[LAUNCH_DIGEST_SIZE] = {0xbb};
    uint8_t key[STATE_KEY_SIZE], wanted[STATE_KEY_SIZE];

    fixture_add_policy(fixture, "default");
    fixture_add_image(fixture, "svsm-1", 0xaa);
    added = fixture_add_volume(fixture, "vm-1", "svsm-1", 1);
    unit = fixture_reading(fixture);
    assert_ok(volume_by_id(unit, added.id, &volume));
    assert_string_equal(volume.name, "vm-1");
    assert_string_equal(volume.image, "svsm-1");
    assert_string_equal(volume.policy, "default");
    assert_int_equal(volume.release, VOLUME_RELEASE_SIGNED);
    assert_int_equal(volume.key_version, 1);
    assert_int_equal(volume.created, 1);
    assert_int_equal(volume.retired, 0);
    assert_int_equal(volume.last_released, 0);
    assert_ok(volume_by_name(unit, "vm-1", &volume));
    assert_memory_equal(volume.id, added.id, VOLUME_ID_SIZE);
    assert_ok(volume_of_measurement(unit, measurement, &volume));
    assert_memory_equal(volume.id, added.id, VOLUME_ID_SIZE);
    assert_status(volume_of_measurement(unit, other, &volume), STORE_NOT_FOUND);
    assert_status(volume_by_name(unit, "vm-2", &volume), STORE_NOT_FOUND);
    assert_status(volume_by_id(unit, measurement, &volume), STORE_NOT_FOUND);
    memset(wanted, 1, sizeof(wanted));
    assert_ok(volume_key(unit, added.id, key));
    assert_memory_equal(key, wanted, sizeof(key));
    assert_status(volume_key(unit, measurement, key), STORE_NOT_FOUND);
    store_abandon(unit);
}

TEST_FIXTURE(a_volume_of_what_is_not_there_is_refused, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit;
    const uint8_t key[STATE_KEY_SIZE] = {0};
    struct volume volume = {
        .id = {1}, .name = "vm-1", .image = "none", .policy = "default", .created = 1};

    fixture_add_policy(fixture, "default");
    fixture_add_image(fixture, "svsm-1", 0xaa);
    fixture_add_image(fixture, "gone", 0xbb);
    unit = fixture_unit(fixture);
    assert_status(volume_add(unit, &volume, key), STORE_NOT_FOUND);
    strcpy(volume.image, "svsm-1");
    strcpy(volume.policy, "none");
    assert_status(volume_add(unit, &volume, key), STORE_NOT_FOUND);
    strcpy(volume.policy, "default");
    strcpy(volume.name, "a b");
    assert_status(volume_add(unit, &volume, key), STORE_FAILED);
    strcpy(volume.name, "vm-1");
    assert_ok(image_retire(unit, "gone", 2));
    strcpy(volume.image, "gone");
    assert_status(volume_add(unit, &volume, key), STORE_RETIRED);
    store_abandon(unit);
}

TEST_FIXTURE(a_volumes_id_and_name_are_its_own, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit;
    const uint8_t key[STATE_KEY_SIZE] = {0};
    struct volume same_id = {.id = {1}, .name = "vm-2", .image = "svsm-1", .policy = "default"};
    struct volume same_name = {.id = {2}, .name = "vm-1", .image = "svsm-1", .policy = "default"};

    fixture_add_policy(fixture, "default");
    fixture_add_image(fixture, "svsm-1", 0xaa);
    fixture_add_volume(fixture, "vm-1", "svsm-1", 1);
    unit = fixture_unit(fixture);
    assert_status(volume_add(unit, &same_id, key), STORE_EXISTS);
    store_abandon(unit);
    unit = fixture_unit(fixture);
    assert_status(volume_add(unit, &same_name, key), STORE_EXISTS);
    store_abandon(unit);
}

TEST_FIXTURE(two_volumes_of_an_image_are_not_told_apart_by_measurement, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit;
    const uint8_t measurement[LAUNCH_DIGEST_SIZE] = {0xaa};
    struct volume volume;

    fixture_add_policy(fixture, "default");
    fixture_add_image(fixture, "svsm-1", 0xaa);
    fixture_add_volume(fixture, "vm-1", "svsm-1", 1);
    fixture_add_volume(fixture, "vm-2", "svsm-1", 2);
    unit = fixture_unit(fixture);
    assert_status(volume_of_measurement(unit, measurement, &volume), STORE_AMBIGUOUS);
    assert_ok(volume_retire(unit, "vm-1", 5));
    assert_ok(volume_of_measurement(unit, measurement, &volume));
    assert_string_equal(volume.name, "vm-2");
    assert_ok(image_retire(unit, "svsm-1", 6));
    assert_status(volume_of_measurement(unit, measurement, &volume), STORE_NOT_FOUND);
    store_abandon(unit);
}

TEST_FIXTURE(a_volume_gets_its_newest_key, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit;
    const uint8_t second[STATE_KEY_SIZE] = {2};
    uint8_t key[STATE_KEY_SIZE];
    struct volume added, volume;

    fixture_add_policy(fixture, "default");
    fixture_add_image(fixture, "svsm-1", 0xaa);
    added = fixture_add_volume(fixture, "vm-1", "svsm-1", 1);
    unit = fixture_unit(fixture);
    assert_ok(volume_set_key(unit, "vm-1", second, 5));
    assert_status(volume_set_key(unit, "vm-2", second, 5), STORE_NOT_FOUND);
    assert_ok(store_commit(unit));
    unit = fixture_reading(fixture);
    assert_ok(volume_by_id(unit, added.id, &volume));
    assert_int_equal(volume.key_version, 2);
    assert_ok(volume_key(unit, added.id, key));
    assert_memory_equal(key, second, sizeof(key));
    store_abandon(unit);
}

TEST_FIXTURE(a_new_key_comes_behind_one_that_waits, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    const uint8_t second[STATE_KEY_SIZE] = {2}, third[STATE_KEY_SIZE] = {3};
    uint8_t key[STATE_KEY_SIZE];
    struct volume added, volume;
    struct store_unit *unit;
    unsigned version;

    fixture_add_policy(fixture, "default");
    fixture_add_image(fixture, "svsm-1", 0xaa);
    added = fixture_add_volume(fixture, "vm-1", "svsm-1", 1);
    unit = fixture_unit(fixture);
    assert_ok(volume_add_key(unit, added.id, second, &version));
    assert_int_equal(version, 2);
    assert_ok(volume_set_key(unit, "vm-1", third, 5));
    assert_ok(volume_by_id(unit, added.id, &volume));
    assert_int_equal(volume.key_version, 3);
    assert_ok(volume_key(unit, added.id, key));
    assert_memory_equal(key, third, sizeof(key));
    assert_ok(store_commit(unit));
}

TEST_FIXTURE(a_volume_moves_to_another_image, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit;
    const uint8_t measurement[LAUNCH_DIGEST_SIZE] = {0xbb};
    struct volume volume;

    fixture_add_policy(fixture, "default");
    fixture_add_image(fixture, "svsm-1", 0xaa);
    fixture_add_image(fixture, "svsm-2", 0xbb);
    fixture_add_volume(fixture, "vm-1", "svsm-1", 1);
    unit = fixture_unit(fixture);
    assert_status(volume_set_image(unit, "vm-1", "svsm-3"), STORE_NOT_FOUND);
    assert_status(volume_set_image(unit, "vm-2", "svsm-2"), STORE_NOT_FOUND);
    assert_ok(volume_set_image(unit, "vm-1", "svsm-2"));
    assert_ok(volume_of_measurement(unit, measurement, &volume));
    assert_string_equal(volume.image, "svsm-2");
    store_abandon(unit);
}

TEST_FIXTURE(a_release_is_remembered, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit;
    const uint8_t unknown[VOLUME_ID_SIZE] = {9};
    struct volume added, volume;

    fixture_add_policy(fixture, "default");
    fixture_add_image(fixture, "svsm-1", 0xaa);
    added = fixture_add_volume(fixture, "vm-1", "svsm-1", 1);
    unit = fixture_unit(fixture);
    assert_ok(volume_note_release(unit, added.id, 77));
    assert_status(volume_note_release(unit, unknown, 77), STORE_NOT_FOUND);
    assert_ok(volume_by_id(unit, added.id, &volume));
    assert_int_equal(volume.last_released, 77);
    store_abandon(unit);
}

TEST_FIXTURE(a_retired_volume_stays_listed_without_its_keys, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit;
    const uint8_t second[STATE_KEY_SIZE] = {2};
    struct volume added, volume;
    uint8_t key[STATE_KEY_SIZE];

    fixture_add_policy(fixture, "default");
    fixture_add_image(fixture, "svsm-1", 0xaa);
    added = fixture_add_volume(fixture, "vm-1", "svsm-1", 1);
    unit = fixture_unit(fixture);
    assert_ok(volume_set_key(unit, "vm-1", second, 5));
    assert_ok(volume_retire(unit, "vm-1", 6));
    assert_ok(store_commit(unit));
    unit = fixture_unit(fixture);
    assert_status(volume_key(unit, added.id, key), STORE_RETIRED);
    assert_status(volume_set_key(unit, "vm-1", second, 7), STORE_RETIRED);
    assert_status(volume_set_image(unit, "vm-1", "svsm-1"), STORE_RETIRED);
    assert_status(volume_retire(unit, "vm-1", 7), STORE_RETIRED);
    assert_ok(volume_by_name(unit, "vm-1", &volume));
    assert_int_equal(volume.retired, 6);
    store_abandon(unit);
}

static void list_volume(void *context, const struct volume *volume)
{
    fixture_list(context, volume->name);
}

TEST_FIXTURE(volumes_are_listed_oldest_first, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct listed listed = {""};
    struct store_unit *unit;

    fixture_add_policy(fixture, "default");
    fixture_add_image(fixture, "svsm-1", 0xaa);
    fixture_add_volume(fixture, "new", "svsm-1", 9);
    fixture_add_volume(fixture, "old", "svsm-1", 3);
    unit = fixture_reading(fixture);
    assert_ok(volume_each(unit, list_volume, &listed));
    store_abandon(unit);
    assert_string_equal(listed.names, "old new ");
}

TEST_GROUP(fixture_begin_group, fixture_end_group)
