/* SPDX-License-Identifier: MIT */
/* Units of work, and what images, policies and secrets do, in either store. */
#include <stdlib.h>
#include <string.h>

#include "kbs/store/policies.h"
#include "kbs/store/secrets.h"
#include "tests/unit/kbs-store/fixture.h"
#include "tests/unit/registered.h"

/* Units of work */

TEST_FIXTURE(a_committed_unit_is_there_after_reopening, fixture_begin, fixture_end)
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

TEST_FIXTURE(an_abandoned_unit_leaves_nothing, fixture_begin, fixture_end)
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

TEST_FIXTURE(a_unit_that_only_looks_can_change_nothing, fixture_begin, fixture_end)
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

TEST_FIXTURE(a_unit_that_looks_sees_the_same_all_through, fixture_begin, fixture_end)
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

TEST_FIXTURE(many_units_may_be_open_at_once, fixture_begin, fixture_end)
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

TEST_FIXTURE(only_postgresql_is_shared, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;

    assert_int_equal(store_is_shared(fixture->store), fixture_is_postgres());
}

TEST(names_are_letters_digits_and_three_signs)
{
    char longest[STORE_NAME_MAX + 2];

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

TEST_FIXTURE(an_image_is_found_by_name_and_by_measurement, fixture_begin, fixture_end)
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

TEST_FIXTURE(an_images_name_and_measurement_are_its_own, fixture_begin, fixture_end)
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

TEST_FIXTURE(an_images_pages_are_kept_as_they_are, fixture_begin, fixture_end)
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

TEST_FIXTURE(a_retired_image_stays_listed, fixture_begin, fixture_end)
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
}

static void list_image(void *context, const struct image *image)
{
    fixture_list(context, image->name);
}

TEST_FIXTURE(images_are_listed_oldest_first, fixture_begin, fixture_end)
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

TEST_FIXTURE(a_policy_changes_only_when_asked_to, fixture_begin, fixture_end)
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

TEST_FIXTURE(a_policy_may_have_64_kib_and_no_more, fixture_begin, fixture_end)
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

TEST_FIXTURE(a_policy_in_use_is_not_removed, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit;

    fixture_add_policy(fixture, "default");
    fixture_add_policy(fixture, "secrets");
    fixture_add_image(fixture, "svsm-1", 0xaa);
    fixture_add_volume(fixture, "vm-1", "svsm-1", 1);
    unit = fixture_unit(fixture);
    assert_ok(secret_put(unit, "a/b/c", "secrets", "x", 1, false, 1));
    assert_status(policy_remove(unit, "default", 9), STORE_IN_USE);
    assert_status(policy_remove(unit, "secrets", 9), STORE_IN_USE);
    assert_status(policy_remove(unit, "none", 9), STORE_NOT_FOUND);
    assert_ok(secret_retire(unit, "a/b/c", 9));
    assert_ok(policy_remove(unit, "secrets", 9));
    assert_ok(volume_retire(unit, "vm-1", 2));
    assert_ok(policy_remove(unit, "default", 9));
    store_abandon(unit);
}

static void list_policy(void *context, const struct policy_record *policy)
{
    assert_string_equal(policy->text, "# strict");
    assert_int_equal(policy->updated, 1);
    fixture_list(context, policy->name);
}

TEST_FIXTURE(policies_are_listed_by_name, fixture_begin, fixture_end)
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

TEST(a_secrets_path_has_three_segments)
{
    char longest[SECRET_PATH_MAX + 2];

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

TEST_FIXTURE(a_secret_is_fetched_as_it_was_put, fixture_begin, fixture_end)
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

TEST_FIXTURE(a_secret_that_cannot_be_is_refused, fixture_begin, fixture_end)
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
    assert_status(secret_retire(unit, "a/b/c", 9), STORE_NOT_FOUND);
    assert_status(secret_put(unit, "a/b/c", "none", "x", 1, false, 1), STORE_NOT_FOUND);
    store_abandon(unit);
}

TEST_FIXTURE(a_replaced_secret_has_the_next_version, fixture_begin, fixture_end)
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
    assert_ok(secret_retire(unit, "a/b/c", 9));
    assert_status(secret_fetch(unit, "a/b/c", &bytes, &size), STORE_NOT_FOUND);
    store_abandon(unit);
}

static void list_secret(void *context, const struct secret *secret)
{
    fixture_list(context, secret->path);
}

TEST_FIXTURE(secrets_are_listed_by_path, fixture_begin, fixture_end)
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

TEST_GROUP(fixture_begin_group, fixture_end_group)
