/* SPDX-License-Identifier: MIT */
/* Units of work, and what each kind of record does, in either store. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/store/policies.h"
#include "kbs/store/secrets.h"
#include "kbs/store/signing_keys.h"
#include "kbs/store/stored_sessions.h"
#include "kbs/store/tokens.h"
#include "tests/unit/kbs-store/fixture.h"

/* Units of work */

static void a_committed_unit_is_there_after_reopening(void **state)
{
    struct fixture *fixture = *state;
    struct store_unit *unit;
    struct image image;

    fixture_add_image(fixture, "svsm-1", 0xaa);
    fixture_reopen(fixture);
    unit = fixture_reading(fixture);
    assert_ok(image_by_name(unit, "svsm-1", &image));
    store_abandon(unit);
}

static void an_abandoned_unit_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);
    struct image image = {.name = "svsm-1", .added = 1};

    assert_ok(image_add(unit, &image, NULL, 0));
    assert_ok(policy_put(unit, "default", "", false, 1));
    store_abandon(unit);
    unit = fixture_reading(fixture);
    assert_status(image_by_name(unit, "svsm-1", &image), STORE_NOT_FOUND);
    store_abandon(unit);
    store_abandon(NULL);
}

static void a_unit_that_only_looks_can_change_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_reading(fixture);
    struct image image = {.name = "svsm-1", .added = 1};

    assert_int_not_equal(image_add(unit, &image, NULL, 0), STORE_OK);
    store_abandon(unit);
    unit = fixture_unit(fixture);
    assert_status(image_by_name(unit, "svsm-1", &image), STORE_NOT_FOUND);
    store_abandon(unit);
}

static void a_unit_that_looks_sees_the_same_all_through(void **state)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_reading(fixture);
    struct image image;

    assert_status(image_by_name(unit, "svsm-1", &image), STORE_NOT_FOUND);
    fixture_add_image(fixture, "svsm-1", 0xaa);
    assert_status(image_by_name(unit, "svsm-1", &image), STORE_NOT_FOUND);
    store_abandon(unit);
    unit = fixture_reading(fixture);
    assert_ok(image_by_name(unit, "svsm-1", &image));
    store_abandon(unit);
}

static void many_units_may_be_open_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct store_unit *units[40];
    struct image image;

    fixture_add_image(fixture, "svsm-1", 0xaa);
    for (unsigned i = 0; i < 40; i++) {
        units[i] = fixture_reading(fixture);
        assert_ok(image_by_name(units[i], "svsm-1", &image));
    }
    fixture_add_image(fixture, "svsm-2", 0xbb);
    for (unsigned i = 0; i < 40; i++)
        store_abandon(units[i]);
    assert_ok(store_ping(fixture->store));
}

static void only_postgresql_is_shared(void **state)
{
    const struct fixture *fixture = *state;

    assert_int_equal(store_is_shared(fixture->store), fixture_is_postgres());
}

static void names_are_letters_digits_and_three_signs(void **state)
{
    char longest[STORE_NAME_MAX + 2];

    (void)state;
    assert_true(store_is_name("a"));
    assert_true(store_is_name("9Z_.-"));
    assert_false(store_is_name(""));
    assert_false(store_is_name(".hidden"));
    assert_false(store_is_name("-rf"));
    assert_false(store_is_name("a b"));
    assert_false(store_is_name("a/b"));
    assert_false(store_is_name("caf\xc3\xa9"));
    memset(longest, 'a', sizeof(longest));
    longest[STORE_NAME_MAX] = '\0';
    assert_true(store_is_name(longest));
    longest[STORE_NAME_MAX] = 'a';
    longest[STORE_NAME_MAX + 1] = '\0';
    assert_false(store_is_name(longest));
}

/* Images */

static void an_image_is_found_by_name_and_by_measurement(void **state)
{
    struct fixture *fixture = *state;
    struct store_unit *unit;
    struct image image;
    const uint8_t measurement[LAUNCH_DIGEST_SIZE] = {0xaa}, other[LAUNCH_DIGEST_SIZE] = {0xbb};

    fixture_add_image(fixture, "svsm-1", 0xaa);
    unit = fixture_reading(fixture);
    assert_ok(image_by_name(unit, "svsm-1", &image));
    assert_memory_equal(image.measurement, measurement, sizeof(measurement));
    assert_int_equal(image.added, 0xaa);
    assert_int_equal(image.retired, 0);
    assert_ok(image_by_measurement(unit, measurement, &image));
    assert_string_equal(image.name, "svsm-1");
    assert_status(image_by_name(unit, "svsm-2", &image), STORE_NOT_FOUND);
    assert_status(image_by_measurement(unit, other, &image), STORE_NOT_FOUND);
    store_abandon(unit);
}

static void an_images_name_and_measurement_are_its_own(void **state)
{
    struct fixture *fixture = *state;
    struct image same_name = {.name = "svsm-1", .measurement = {0xbb}};
    struct image same_measurement = {.name = "svsm-2", .measurement = {0xaa}};
    struct image no_name = {.name = "a b"};
    struct store_unit *unit;

    fixture_add_image(fixture, "svsm-1", 0xaa);
    unit = fixture_unit(fixture);
    assert_status(image_add(unit, &same_name, NULL, 0), STORE_EXISTS);
    store_abandon(unit);
    unit = fixture_unit(fixture);
    assert_status(image_add(unit, &same_measurement, NULL, 0), STORE_EXISTS);
    store_abandon(unit);
    unit = fixture_unit(fixture);
    assert_status(image_add(unit, &no_name, NULL, 0), STORE_FAILED);
    store_abandon(unit);
}

static void an_images_pages_are_kept_as_they_are(void **state)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);
    struct image with = {.name = "with", .measurement = {1}};
    struct image without = {.name = "without", .measurement = {2}};
    static const uint8_t description[] = {0, 1, 0xff, '\n', 0, 0x80};
    uint8_t *pages;
    size_t size;

    assert_ok(image_add(unit, &with, description, sizeof(description)));
    assert_ok(image_add(unit, &without, NULL, 0));
    assert_ok(store_commit(unit));
    unit = fixture_reading(fixture);
    assert_ok(image_pages(unit, "with", &pages, &size));
    assert_int_equal(size, sizeof(description));
    assert_memory_equal(pages, description, size);
    free(pages);
    assert_ok(image_pages(unit, "without", &pages, &size));
    assert_null(pages);
    assert_int_equal(size, 0);
    assert_status(image_pages(unit, "none", &pages, &size), STORE_NOT_FOUND);
    store_abandon(unit);
}

static void a_retired_image_stays_listed_and_its_name_is_free(void **state)
{
    struct fixture *fixture = *state;
    struct store_unit *unit;
    struct image image;
    const uint8_t measurement[LAUNCH_DIGEST_SIZE] = {0xaa};

    fixture_add_image(fixture, "svsm-1", 0xaa);
    unit = fixture_unit(fixture);
    assert_ok(image_retire(unit, "svsm-1", 7));
    assert_status(image_retire(unit, "svsm-1", 8), STORE_NOT_FOUND);
    assert_ok(store_commit(unit));
    unit = fixture_reading(fixture);
    assert_ok(image_by_measurement(unit, measurement, &image));
    assert_int_equal(image.retired, 7);
    assert_ok(image_by_name(unit, "svsm-1", &image));
    assert_int_equal(image.retired, 7);
    store_abandon(unit);
    fixture_add_image(fixture, "svsm-1", 0xbb);
    unit = fixture_reading(fixture);
    assert_ok(image_by_name(unit, "svsm-1", &image));
    assert_int_equal(image.retired, 0);
    assert_int_equal(image.measurement[0], 0xbb);
    store_abandon(unit);
}

struct listed {
    char names[256];
};

static void list(struct listed *listed, const char *name)
{
    strncat(listed->names, name, sizeof(listed->names) - strlen(listed->names) - 1);
    strncat(listed->names, " ", sizeof(listed->names) - strlen(listed->names) - 1);
}

static void list_image(void *context, const struct image *image)
{
    list(context, image->name);
}

static void images_are_listed_oldest_first(void **state)
{
    struct fixture *fixture = *state;
    struct listed listed = {""};
    struct store_unit *unit;

    fixture_add_image(fixture, "new", 9);
    fixture_add_image(fixture, "old", 3);
    unit = fixture_reading(fixture);
    assert_ok(image_each(unit, list_image, &listed));
    store_abandon(unit);
    assert_string_equal(listed.names, "old new ");
}

/* Policies */

static void a_policy_changes_only_when_asked_to(void **state)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);
    char *text;

    assert_ok(policy_put(unit, "default", "vmpl = 0;", false, 1));
    assert_ok(store_commit(unit));
    unit = fixture_unit(fixture);
    assert_status(policy_put(unit, "default", "vmpl = 3;", false, 2), STORE_EXISTS);
    store_abandon(unit);
    unit = fixture_unit(fixture);
    assert_ok(policy_text(unit, "default", &text));
    assert_string_equal(text, "vmpl = 0;");
    free(text);
    assert_ok(policy_put(unit, "default", "# \xc3\xa9\nvmpl = 3;", true, 2));
    assert_ok(store_commit(unit));
    unit = fixture_reading(fixture);
    assert_ok(policy_text(unit, "default", &text));
    assert_string_equal(text, "# \xc3\xa9\nvmpl = 3;");
    free(text);
    assert_status(policy_text(unit, "none", &text), STORE_NOT_FOUND);
    assert_null(text);
    store_abandon(unit);
}

static void a_policy_may_have_64_kib_and_no_more(void **state)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);
    char *text = malloc(POLICY_TEXT_MAX + 2), *found;

    memset(text, '#', POLICY_TEXT_MAX + 1);
    text[POLICY_TEXT_MAX + 1] = '\0';
    assert_status(policy_put(unit, "long", text, false, 1), STORE_FAILED);
    text[POLICY_TEXT_MAX] = '\0';
    assert_ok(policy_put(unit, "long", text, false, 1));
    assert_ok(policy_text(unit, "long", &found));
    assert_string_equal(found, text);
    store_abandon(unit);
    free(found);
    free(text);
}

static void a_policy_in_use_is_not_removed(void **state)
{
    struct fixture *fixture = *state;
    struct store_unit *unit;

    fixture_add_policy(fixture, "default");
    fixture_add_policy(fixture, "secrets");
    fixture_add_image(fixture, "svsm-1", 0xaa);
    fixture_add_volume(fixture, "vm-1", "svsm-1", 1);
    unit = fixture_unit(fixture);
    assert_ok(secret_put(unit, "a/b/c", "secrets", "x", 1, false, 1));
    assert_status(policy_remove(unit, "default"), STORE_IN_USE);
    assert_status(policy_remove(unit, "secrets"), STORE_IN_USE);
    assert_status(policy_remove(unit, "none"), STORE_NOT_FOUND);
    assert_ok(secret_retire(unit, "a/b/c"));
    assert_ok(policy_remove(unit, "secrets"));
    assert_ok(volume_retire(unit, "vm-1", 2));
    assert_ok(policy_remove(unit, "default"));
    store_abandon(unit);
}

static void list_policy(void *context, const struct policy_record *policy)
{
    assert_string_equal(policy->text, "# strict");
    assert_int_equal(policy->updated, 1);
    list(context, policy->name);
}

static void policies_are_listed_by_name(void **state)
{
    struct fixture *fixture = *state;
    struct listed listed = {""};
    struct store_unit *unit;

    fixture_add_policy(fixture, "b");
    fixture_add_policy(fixture, "a");
    unit = fixture_reading(fixture);
    assert_ok(policy_each(unit, list_policy, &listed));
    store_abandon(unit);
    assert_string_equal(listed.names, "a b ");
}

/* Secrets */

static void a_secrets_path_has_three_segments(void **state)
{
    char longest[SECRET_PATH_MAX + 2];

    (void)state;
    assert_true(secret_is_path("default/key/1"));
    assert_true(secret_is_path("_a/-b/c.d_e-f"));
    assert_false(secret_is_path(""));
    assert_false(secret_is_path("a/b"));
    assert_false(secret_is_path("a/b/c/d"));
    assert_false(secret_is_path("/a/b"));
    assert_false(secret_is_path("a//c"));
    assert_false(secret_is_path("a/b/"));
    assert_false(secret_is_path("a/../c"));
    assert_false(secret_is_path("a/.b/c"));
    assert_false(secret_is_path("a/b/c d"));
    assert_false(secret_is_path("a/b/c%00"));
    memset(longest, 'a', sizeof(longest));
    longest[1] = longest[3] = '/';
    longest[SECRET_PATH_MAX] = '\0';
    assert_true(secret_is_path(longest));
    longest[SECRET_PATH_MAX] = 'a';
    longest[SECRET_PATH_MAX + 1] = '\0';
    assert_false(secret_is_path(longest));
}

static void a_secret_is_fetched_as_it_was_put(void **state)
{
    struct fixture *fixture = *state;
    struct store_unit *unit;
    uint8_t *largest = malloc(SECRET_SIZE_MAX), *bytes;
    struct secret secret;
    size_t size;

    for (size_t i = 0; i < SECRET_SIZE_MAX; i++)
        largest[i] = (uint8_t)(i * 7);
    fixture_add_policy(fixture, "default");
    unit = fixture_unit(fixture);
    assert_ok(secret_put(unit, "a/b/large", "default", largest, SECRET_SIZE_MAX, false, 5));
    assert_ok(secret_put(unit, "a/b/small", "default", "", 1, false, 6));
    assert_ok(store_commit(unit));
    unit = fixture_reading(fixture);
    assert_ok(secret_info(unit, "a/b/large", &secret));
    assert_int_equal(secret.size, SECRET_SIZE_MAX);
    assert_int_equal(secret.version, 1);
    assert_int_equal(secret.updated, 5);
    assert_string_equal(secret.policy, "default");
    assert_ok(secret_fetch(unit, "a/b/large", &bytes, &size));
    assert_int_equal(size, SECRET_SIZE_MAX);
    assert_memory_equal(bytes, largest, size);
    free(bytes);
    assert_ok(secret_fetch(unit, "a/b/small", &bytes, &size));
    assert_int_equal(size, 1);
    assert_int_equal(bytes[0], 0);
    free(bytes);
    store_abandon(unit);
    free(largest);
}

static void a_secret_that_cannot_be_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct store_unit *unit;
    static const uint8_t too_large[SECRET_SIZE_MAX + 1];
    struct secret secret;
    uint8_t *bytes;
    size_t size;

    fixture_add_policy(fixture, "default");
    unit = fixture_unit(fixture);
    assert_status(secret_put(unit, "a/b", "default", "x", 1, false, 1), STORE_FAILED);
    assert_status(secret_put(unit, "a/b/c", "default", "x", 0, false, 1), STORE_FAILED);
    assert_status(secret_put(unit, "a/b/c", "default", too_large, sizeof(too_large), false, 1),
                  STORE_FAILED);
    assert_status(secret_fetch(unit, "a/b/c", &bytes, &size), STORE_NOT_FOUND);
    assert_null(bytes);
    assert_status(secret_info(unit, "a/b/c", &secret), STORE_NOT_FOUND);
    assert_status(secret_retire(unit, "a/b/c"), STORE_NOT_FOUND);
    assert_status(secret_put(unit, "a/b/c", "none", "x", 1, false, 1), STORE_NOT_FOUND);
    store_abandon(unit);
}

static void a_replaced_secret_has_the_next_version(void **state)
{
    struct fixture *fixture = *state;
    struct store_unit *unit;
    struct secret secret;
    uint8_t *bytes;
    size_t size;

    fixture_add_policy(fixture, "default");
    fixture_add_policy(fixture, "other");
    unit = fixture_unit(fixture);
    assert_ok(secret_put(unit, "a/b/c", "default", "one", 3, false, 1));
    assert_status(secret_put(unit, "a/b/c", "default", "two", 3, false, 2), STORE_EXISTS);
    assert_ok(secret_put(unit, "a/b/c", "other", "three", 5, true, 3));
    assert_ok(store_commit(unit));
    unit = fixture_unit(fixture);
    assert_ok(secret_info(unit, "a/b/c", &secret));
    assert_int_equal(secret.version, 2);
    assert_int_equal(secret.updated, 3);
    assert_string_equal(secret.policy, "other");
    assert_ok(secret_fetch(unit, "a/b/c", &bytes, &size));
    assert_int_equal(size, 5);
    assert_memory_equal(bytes, "three", 5);
    free(bytes);
    assert_ok(secret_retire(unit, "a/b/c"));
    assert_status(secret_fetch(unit, "a/b/c", &bytes, &size), STORE_NOT_FOUND);
    store_abandon(unit);
}

static void list_secret(void *context, const struct secret *secret)
{
    list(context, secret->path);
}

static void secrets_are_listed_by_path(void **state)
{
    struct fixture *fixture = *state;
    struct listed listed = {""};
    struct store_unit *unit;

    fixture_add_policy(fixture, "default");
    unit = fixture_unit(fixture);
    assert_ok(secret_put(unit, "b/b/b", "default", "x", 1, false, 1));
    assert_ok(secret_put(unit, "a/a/a", "default", "x", 1, false, 2));
    assert_ok(secret_each(unit, list_secret, &listed));
    store_abandon(unit);
    assert_string_equal(listed.names, "a/a/a b/b/b ");
}

/* Volumes */

static void a_volume_is_found_by_id_name_and_measurement(void **state)
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

static void a_volume_of_what_is_not_there_is_refused(void **state)
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

static void a_volumes_id_and_name_are_its_own(void **state)
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

static void two_volumes_of_an_image_are_not_told_apart_by_measurement(void **state)
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
    assert_status(volume_of_measurement(unit, measurement, &volume), STORE_CONFLICT);
    assert_ok(volume_retire(unit, "vm-1", 5));
    assert_ok(volume_of_measurement(unit, measurement, &volume));
    assert_string_equal(volume.name, "vm-2");
    assert_ok(image_retire(unit, "svsm-1", 6));
    assert_status(volume_of_measurement(unit, measurement, &volume), STORE_NOT_FOUND);
    store_abandon(unit);
}

static void a_volume_gets_its_newest_key(void **state)
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

static void a_volume_moves_to_another_image(void **state)
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

static void a_release_is_remembered(void **state)
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

static void a_retired_volume_stays_listed_without_its_keys(void **state)
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
    fixture_add_volume(fixture, "vm-1", "svsm-1", 3);
    unit = fixture_reading(fixture);
    assert_ok(volume_by_name(unit, "vm-1", &volume));
    assert_int_equal(volume.retired, 0);
    assert_int_equal(volume.id[0], 3);
    store_abandon(unit);
}

static void list_volume(void *context, const struct volume *volume)
{
    list(context, volume->name);
}

static void volumes_are_listed_oldest_first(void **state)
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

/* Tokens */

static void a_token_is_valid_until_it_expires_or_is_revoked(void **state)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);
    const struct token owner = {.name = "alice", .role = ROLE_OWNER, .created = 5};
    const struct token auditor = {
        .name = "bob", .role = ROLE_AUDITOR, .created = 5, .expires = 100};
    char of_owner[TOKEN_TEXT_MAX + 1], of_auditor[TOKEN_TEXT_MAX + 1];
    struct token token;

    assert_ok(token_create(unit, &owner, of_owner));
    assert_ok(token_create(unit, &auditor, of_auditor));
    assert_ok(store_commit(unit));
    assert_string_not_equal(of_owner, of_auditor);
    assert_int_equal(strncmp(of_owner, "kbs_", 4), 0);
    assert_int_equal(strlen(of_owner), 47);
    unit = fixture_unit(fixture);
    assert_ok(token_check(unit, of_owner, 1000, &token));
    assert_string_equal(token.name, "alice");
    assert_int_equal(token.role, ROLE_OWNER);
    assert_int_equal(token.created, 5);
    assert_ok(token_check(unit, of_auditor, 99, &token));
    assert_int_equal(token.role, ROLE_AUDITOR);
    assert_status(token_check(unit, of_auditor, 100, &token), STORE_NOT_FOUND);
    assert_ok(token_revoke(unit, "alice", 50));
    assert_status(token_check(unit, of_owner, 1000, &token), STORE_NOT_FOUND);
    assert_status(token_revoke(unit, "alice", 51), STORE_NOT_FOUND);
    store_abandon(unit);
}

static void a_token_that_is_not_exactly_right_is_none(void **state)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);
    const struct token owner = {.name = "alice", .role = ROLE_OWNER, .created = 5};
    char text[TOKEN_TEXT_MAX + 1], longer[200];
    struct token token;

    assert_ok(token_create(unit, &owner, text));
    assert_status(token_check(unit, "", 6, &token), STORE_NOT_FOUND);
    assert_status(token_check(unit, "alice", 6, &token), STORE_NOT_FOUND);
    snprintf(longer, sizeof(longer), "%sA", text);
    assert_status(token_check(unit, longer, 6, &token), STORE_NOT_FOUND);
    memset(longer, 'A', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_status(token_check(unit, longer, 6, &token), STORE_NOT_FOUND);
    text[10] ^= 1;
    assert_status(token_check(unit, text, 6, &token), STORE_NOT_FOUND);
    store_abandon(unit);
}

static void a_tokens_name_is_free_again_when_it_is_revoked(void **state)
{
    struct fixture *fixture = *state;
    const struct token owner = {.name = "alice", .role = ROLE_OWNER, .created = 5};
    const struct token nameless = {.name = "", .role = ROLE_OWNER};
    char text[TOKEN_TEXT_MAX + 1];
    struct store_unit *unit = fixture_unit(fixture);

    assert_ok(token_create(unit, &owner, text));
    assert_ok(store_commit(unit));
    unit = fixture_unit(fixture);
    assert_status(token_create(unit, &owner, text), STORE_EXISTS);
    store_abandon(unit);
    unit = fixture_unit(fixture);
    assert_status(token_create(unit, &nameless, text), STORE_FAILED);
    assert_ok(token_revoke(unit, "alice", 6));
    assert_ok(token_create(unit, &owner, text));
    store_abandon(unit);
}

static void list_token(void *context, const struct token *token)
{
    list(context, token->name);
}

static void tokens_are_listed_oldest_first(void **state)
{
    struct fixture *fixture = *state;
    struct listed listed = {""};
    const struct token late = {.name = "late", .created = 5}, early = {.name = "early"};
    char text[TOKEN_TEXT_MAX + 1];
    struct store_unit *unit = fixture_unit(fixture);

    assert_ok(token_create(unit, &late, text));
    assert_ok(token_create(unit, &early, text));
    assert_ok(token_each(unit, list_token, &listed));
    store_abandon(unit);
    assert_string_equal(listed.names, "early late ");
}

/* Signing keys */

struct key_list {
    size_t count;
    struct signing_key keys[4];
};

static void list_key(void *context, const struct signing_key *key)
{
    struct key_list *keys = context;

    keys->keys[keys->count++] = *key;
}

static void a_signing_key_can_be_fetched_until_it_is_retired(void **state)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);
    const struct signing_key first = {.id = {1}, .use = SIGNING_KEY_RELEASE, .created = 5};
    const struct signing_key second = {.id = {2}, .use = SIGNING_KEY_TOKEN, .created = 5};
    const uint8_t unknown[SIGNING_KEY_ID_SIZE] = {3};
    struct key_list listed = {0};
    uint8_t der[SIGNING_KEY_DER_MAX];
    size_t size;

    assert_ok(signing_key_add(unit, &first, (const uint8_t *)"first", 5));
    assert_ok(signing_key_add(unit, &second, (const uint8_t *)"second", 6));
    assert_ok(store_commit(unit));
    unit = fixture_unit(fixture);
    assert_ok(signing_key_fetch(unit, second.id, der, &size));
    assert_int_equal(size, 6);
    assert_memory_equal(der, "second", 6);
    assert_ok(signing_key_retire(unit, first.id, 9));
    assert_status(signing_key_retire(unit, first.id, 9), STORE_NOT_FOUND);
    assert_status(signing_key_fetch(unit, first.id, der, &size), STORE_RETIRED);
    assert_status(signing_key_fetch(unit, unknown, der, &size), STORE_NOT_FOUND);
    assert_ok(signing_key_each(unit, list_key, &listed));
    store_abandon(unit);
    assert_int_equal(listed.count, 2);
    assert_int_equal(listed.keys[0].id[0], 2);
    assert_int_equal(listed.keys[0].use, SIGNING_KEY_TOKEN);
    assert_int_equal(listed.keys[1].retired, 9);
}

static void a_signing_key_is_added_once_and_of_a_bounded_size(void **state)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);
    const struct signing_key key = {.id = {1}, .use = SIGNING_KEY_RELEASE, .created = 5};
    static const uint8_t der[SIGNING_KEY_DER_MAX + 1];

    assert_status(signing_key_add(unit, &key, der, sizeof(der)), STORE_FAILED);
    assert_ok(signing_key_add(unit, &key, der, SIGNING_KEY_DER_MAX));
    assert_status(signing_key_add(unit, &key, der, 5), STORE_EXISTS);
    store_abandon(unit);
}

/* Sessions */

#define SESSION "0123456789abcdef0123456789abcdef"
#define ANOTHER "fedcba9876543210fedcba9876543210"

static void a_nonce_serves_once(void **state)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);
    uint8_t nonce[STORED_SESSION_NONCE_MAX];
    size_t size;

    assert_ok(stored_session_open(unit, SESSION, (const uint8_t *)"nonce", 5, 10, 100, 10));
    assert_ok(store_commit(unit));
    unit = fixture_unit(fixture);
    assert_status(stored_session_spend(unit, ANOTHER, 20, 0, nonce, &size), STORE_NOT_FOUND);
    assert_status(stored_session_spend(unit, SESSION, 100, 0, nonce, &size), STORE_NOT_FOUND);
    assert_status(stored_session_spend(unit, SESSION, 20, 11, nonce, &size), STORE_NOT_FOUND);
    assert_ok(stored_session_spend(unit, SESSION, 20, 10, nonce, &size));
    assert_int_equal(size, 5);
    assert_memory_equal(nonce, "nonce", 5);
    assert_ok(store_commit(unit));
    unit = fixture_unit(fixture);
    assert_status(stored_session_spend(unit, SESSION, 20, 10, nonce, &size), STORE_CONFLICT);
    store_abandon(unit);
}

static void a_grant_is_found_until_the_session_is_over(void **state)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);
    uint8_t nonce[STORED_SESSION_NONCE_MAX], grant[16];
    static const uint8_t too_large[STORED_SESSION_GRANT_MAX + 1];
    size_t size;

    assert_ok(stored_session_open(unit, SESSION, (const uint8_t *)"n", 1, 10, 100, 10));
    assert_status(stored_session_grant(unit, SESSION, "grant", 5), STORE_NOT_FOUND);
    assert_ok(stored_session_spend(unit, SESSION, 20, 10, nonce, &size));
    assert_status(stored_session_find(unit, SESSION, 20, grant, sizeof(grant), &size),
                  STORE_NOT_FOUND);
    assert_status(stored_session_grant(unit, SESSION, too_large, sizeof(too_large)), STORE_FAILED);
    assert_ok(stored_session_grant(unit, SESSION, "grant", 5));
    assert_status(stored_session_grant(unit, SESSION, "other", 5), STORE_NOT_FOUND);
    assert_ok(stored_session_find(unit, SESSION, 99, grant, sizeof(grant), &size));
    assert_int_equal(size, 5);
    assert_memory_equal(grant, "grant", 5);
    assert_status(stored_session_find(unit, SESSION, 20, grant, 4, &size), STORE_FAILED);
    assert_status(stored_session_find(unit, SESSION, 100, grant, sizeof(grant), &size),
                  STORE_NOT_FOUND);
    assert_status(stored_session_find(unit, ANOTHER, 20, grant, sizeof(grant), &size),
                  STORE_NOT_FOUND);
    store_abandon(unit);
}

static void sessions_are_bounded_and_those_that_are_over_make_room(void **state)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);
    const uint8_t nonce[STORED_SESSION_NONCE_MAX + 1] = {0};

    assert_ok(stored_session_open(unit, SESSION, nonce, 32, 10, 100, 1));
    assert_status(stored_session_open(unit, ANOTHER, nonce, 32, 11, 101, 1), STORE_IN_USE);
    assert_ok(stored_session_open(unit, ANOTHER, nonce, 32, 100, 200, 1));
    assert_ok(stored_session_sweep(unit, 150));
    assert_ok(stored_session_open(unit, SESSION, nonce, 32, 150, 250, 2));
    assert_status(stored_session_open(unit, "short", nonce, 32, 150, 250, 9), STORE_FAILED);
    assert_status(stored_session_open(unit, ANOTHER, nonce, sizeof(nonce), 150, 250, 9),
                  STORE_FAILED);
    store_abandon(unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_committed_unit_is_there_after_reopening),
        FIXTURE_TEST(an_abandoned_unit_leaves_nothing),
        FIXTURE_TEST(a_unit_that_only_looks_can_change_nothing),
        FIXTURE_TEST(a_unit_that_looks_sees_the_same_all_through),
        FIXTURE_TEST(many_units_may_be_open_at_once),
        FIXTURE_TEST(only_postgresql_is_shared),
        cmocka_unit_test(names_are_letters_digits_and_three_signs),
        FIXTURE_TEST(an_image_is_found_by_name_and_by_measurement),
        FIXTURE_TEST(an_images_name_and_measurement_are_its_own),
        FIXTURE_TEST(an_images_pages_are_kept_as_they_are),
        FIXTURE_TEST(a_retired_image_stays_listed_and_its_name_is_free),
        FIXTURE_TEST(images_are_listed_oldest_first),
        FIXTURE_TEST(a_policy_changes_only_when_asked_to),
        FIXTURE_TEST(a_policy_may_have_64_kib_and_no_more),
        FIXTURE_TEST(a_policy_in_use_is_not_removed),
        FIXTURE_TEST(policies_are_listed_by_name),
        cmocka_unit_test(a_secrets_path_has_three_segments),
        FIXTURE_TEST(a_secret_is_fetched_as_it_was_put),
        FIXTURE_TEST(a_secret_that_cannot_be_is_refused),
        FIXTURE_TEST(a_replaced_secret_has_the_next_version),
        FIXTURE_TEST(secrets_are_listed_by_path),
        FIXTURE_TEST(a_volume_is_found_by_id_name_and_measurement),
        FIXTURE_TEST(a_volume_of_what_is_not_there_is_refused),
        FIXTURE_TEST(a_volumes_id_and_name_are_its_own),
        FIXTURE_TEST(two_volumes_of_an_image_are_not_told_apart_by_measurement),
        FIXTURE_TEST(a_volume_gets_its_newest_key),
        FIXTURE_TEST(a_volume_moves_to_another_image),
        FIXTURE_TEST(a_release_is_remembered),
        FIXTURE_TEST(a_retired_volume_stays_listed_without_its_keys),
        FIXTURE_TEST(volumes_are_listed_oldest_first),
        FIXTURE_TEST(a_token_is_valid_until_it_expires_or_is_revoked),
        FIXTURE_TEST(a_token_that_is_not_exactly_right_is_none),
        FIXTURE_TEST(a_tokens_name_is_free_again_when_it_is_revoked),
        FIXTURE_TEST(tokens_are_listed_oldest_first),
        FIXTURE_TEST(a_signing_key_can_be_fetched_until_it_is_retired),
        FIXTURE_TEST(a_signing_key_is_added_once_and_of_a_bounded_size),
        FIXTURE_TEST(a_nonce_serves_once),
        FIXTURE_TEST(a_grant_is_found_until_the_session_is_over),
        FIXTURE_TEST(sessions_are_bounded_and_those_that_are_over_make_room),
    };

    return cmocka_run_group_tests_name("records", tests, fixture_begin_group, fixture_end_group);
}
