/* SPDX-License-Identifier: MIT */
/* A name that was given once, in either store: nothing else comes to be known by it. */
#include <stdlib.h>
#include <string.h>

#include "kbs/store/policies.h"
#include "kbs/store/secrets.h"
#include "kbs/store/tokens.h"
#include "tests/unit/kbs-store/fixture.h"
#include "tests/unit/registered.h"

static void retire_image(const struct fixture *fixture, const char *name, time_t now)
{
    struct store_unit *unit = fixture_unit(fixture);

    assert_ok(image_retire(unit, name, now));
    assert_ok(store_commit(unit));
}

TEST_FIXTURE(an_images_name_is_its_measurements, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    struct image other = {.name = "web", .measurement = {0xbb}, .added = 8};
    const uint8_t of_other[LAUNCH_DIGEST_SIZE] = {0xbb};
    struct store_unit *unit;
    struct volume volume;
    struct image image;

    fixture_add_policy(fixture, "default");
    fixture_add_image(fixture, "web", 0xaa);
    fixture_add_volume(fixture, "vm", "web", 1);
    retire_image(fixture, "web", 7);
    unit = fixture_unit(fixture);
    assert_status(image_add(unit, &other, NULL, 0), STORE_NAME_USED);
    assert_ok(image_by_name(unit, "web", &image));
    assert_int_equal(image.measurement[0], 0xaa);
    assert_int_equal(image.retired, 7);
    assert_status(volume_of_measurement(unit, of_other, &volume), STORE_NOT_FOUND);
    store_abandon(unit);
}

TEST_FIXTURE(a_retired_image_can_be_added_again_as_what_it_is, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    struct image web = {.name = "web", .measurement = {0xaa}, .added = 8};
    struct store_unit *unit;
    struct volume volume;
    struct image image;
    uint8_t *pages;
    size_t size;

    fixture_add_policy(fixture, "default");
    unit = fixture_unit(fixture);
    assert_ok(image_add(unit, &web, "pages", 5));
    assert_ok(store_commit(unit));
    fixture_add_volume(fixture, "vm", "web", 1);
    retire_image(fixture, "web", 9);
    web.added = 10;
    unit = fixture_unit(fixture);
    assert_ok(image_add(unit, &web, NULL, 0));
    assert_ok(image_by_name(unit, "web", &image));
    assert_int_equal(image.retired, 0);
    assert_int_equal(image.added, 10);
    assert_ok(image_pages(unit, "web", &pages, &size));
    assert_int_equal(size, 5);
    free(pages);
    assert_ok(volume_of_measurement(unit, web.measurement, &volume));
    assert_string_equal(volume.name, "vm");
    assert_status(image_add(unit, &web, NULL, 0), STORE_EXISTS);
    store_abandon(unit);
}

TEST_FIXTURE(another_name_for_a_retired_images_measurement_brings_it_no_volume, fixture_begin,
             fixture_end)
{
    const struct fixture *fixture = *state;
    struct image web = {.name = "web", .measurement = {0xaa}, .added = 9};
    struct store_unit *unit;
    struct volume volume;

    fixture_add_policy(fixture, "default");
    fixture_add_image(fixture, "web", 0xaa);
    fixture_add_volume(fixture, "vm", "web", 1);
    retire_image(fixture, "web", 7);
    fixture_add_image(fixture, "web-2", 0xaa);
    unit = fixture_unit(fixture);
    assert_status(volume_of_measurement(unit, web.measurement, &volume), STORE_NOT_FOUND);
    assert_status(image_add(unit, &web, NULL, 0), STORE_EXISTS); /* the measurement is web-2's */
    store_abandon(unit);
}

TEST_FIXTURE(a_retired_volumes_name_is_not_given_again, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    struct volume again = {
        .id = {2}, .name = "vm", .image = "web", .policy = "default", .created = 8};
    const uint8_t key[STATE_KEY_SIZE] = {0};
    struct store_unit *unit;

    fixture_add_policy(fixture, "default");
    fixture_add_image(fixture, "web", 0xaa);
    fixture_add_volume(fixture, "vm", "web", 1);
    unit = fixture_unit(fixture);
    assert_ok(volume_retire(unit, "vm", 7));
    assert_status(volume_add(unit, &again, key), STORE_NAME_USED);
    store_abandon(unit);
}

TEST_FIXTURE(a_revoked_tokens_name_is_not_given_again, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    struct token alice = {.name = "alice", .role = ROLE_OWNER, .created = 5};
    char text[TOKEN_TEXT_MAX + 1];
    struct store_unit *unit = fixture_unit(fixture);

    assert_ok(token_create(unit, &alice, text));
    assert_status(token_create(unit, &alice, text), STORE_EXISTS);
    assert_ok(token_revoke(unit, "alice", 6));
    assert_status(token_create(unit, &alice, text), STORE_NAME_USED);
    store_abandon(unit);
}

TEST_FIXTURE(a_removed_policys_name_is_given_again_on_demand_only, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    struct store_unit *unit;
    char *text;

    fixture_add_policy(fixture, "milan");
    unit = fixture_unit(fixture);
    assert_ok(policy_remove(unit, "milan", 7));
    assert_status(policy_put(unit, "milan", "# loose", false, 8), STORE_RETIRED);
    assert_status(policy_text(unit, "milan", &text), STORE_NOT_FOUND);
    assert_ok(policy_put(unit, "milan", "# loose", true, 9));
    assert_ok(policy_text(unit, "milan", &text));
    assert_string_equal(text, "# loose");
    free(text);
    assert_ok(policy_remove(unit, "milan", 10)); /* and once more */
    assert_status(policy_put(unit, "milan", "# loose", false, 11), STORE_RETIRED);
    assert_ok(policy_put(unit, "genoa", "", false, 11));
    store_abandon(unit);
}

/* Wrapped bytes are bound to path and version: a version that came twice could be put in the place
 * of the other one. */
TEST_FIXTURE(a_retired_secrets_path_is_taken_on_demand_only_and_counts_on, fixture_begin,
             fixture_end)
{
    const struct fixture *fixture = *state;
    struct store_unit *unit;
    struct secret secret;

    fixture_add_policy(fixture, "default");
    unit = fixture_unit(fixture);
    assert_ok(secret_put(unit, "a/b/c", "default", "one", 3, false, 5));
    assert_ok(secret_put(unit, "a/b/c", "default", "two", 3, true, 6));
    assert_ok(secret_retire(unit, "a/b/c", 7));
    assert_status(secret_put(unit, "a/b/c", "default", "three", 5, false, 8), STORE_RETIRED);
    assert_status(secret_info(unit, "a/b/c", &secret), STORE_NOT_FOUND);
    assert_ok(secret_put(unit, "a/b/c", "default", "three", 5, true, 9));
    assert_ok(secret_info(unit, "a/b/c", &secret));
    assert_int_equal(secret.version, 3);
    assert_ok(secret_retire(unit, "a/b/c", 10));
    assert_ok(secret_put(unit, "a/b/c", "default", "four", 4, true, 11));
    assert_ok(secret_info(unit, "a/b/c", &secret));
    assert_int_equal(secret.version, 4);
    assert_ok(secret_put(unit, "a/b/other", "default", "x", 1, false, 11));
    store_abandon(unit);
}

TEST_GROUP(fixture_begin_group, fixture_end_group)
