/* SPDX-License-Identifier: MIT */
/* Stores of version 2 of the schema, in either database, in which names of retired images were
 * given again. (Version 1 was SQLite's alone: test_sqlite.c.) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/kbs-store/fixture.h"

/* What the steps after version 2 of the schema replaced, as it was made then. */
static const char version_2[] =
    "DROP TABLE ek_certificate;"
    "DROP TABLE ca_certificate;"
    "DROP TABLE volume_holder;"
    "DROP TABLE volume_lease;"
    "DROP TABLE audit_segment;"
    "DROP TABLE retired_name;"
    "DROP TABLE image;"
    "CREATE TABLE image ("
    "  name TEXT NOT NULL, measurement BYTEA NOT NULL CHECK (length(measurement) = 48),"
    "  added BIGINT NOT NULL, retired BIGINT NOT NULL DEFAULT 0, pages BYTEA);"
    "CREATE UNIQUE INDEX image_name ON image (name) WHERE retired = 0;"
    "CREATE UNIQUE INDEX image_measurement ON image (measurement) WHERE retired = 0;"
    "CREATE INDEX image_any_measurement ON image (measurement);"
    "UPDATE schema_version SET version = 2;";

static void add_image(struct db *db, const char *name, uint8_t first, time_t added, time_t retired,
                      const char *pages)
{
    const uint8_t measurement[LAUNCH_DIGEST_SIZE] = {first};

    assert_ok(DB_RUN(db,
                     "INSERT INTO image (name, measurement, added, retired, pages) "
                     "VALUES ($1, $2, $3, $4, $5)",
                     NULL, NULL, NULL, db_text(name), db_bytes(measurement, sizeof(measurement)),
                     db_integer(added), db_integer(retired),
                     db_bytes(pages, pages ? strlen(pages) : 0)));
}

/* The volume is there, with its key; only what binds it to an image is as version 2 left it. */
static void set_volume(struct db *db, const char *name, const char *image, time_t created,
                       time_t released)
{
    assert_ok(DB_CHANGE(db,
                        "UPDATE volume SET image = $2, created = $3, last_released = $4 "
                        "WHERE name = $1",
                        db_text(name), db_text(image), db_integer(created), db_integer(released)));
}

/* Makes the fixture's store one of version 2; the caller fills in the images and closes it. */
static struct db *go_back(struct fixture *fixture)
{
    struct db *db;

    store_close(fixture->store);
    fixture->store = NULL;
    db = fixture_raw(fixture);
    assert_ok(db_script(db, version_2));
    return db;
}

static void assert_bound(struct store_unit *unit, const char *name, uint8_t first)
{
    struct volume volume;
    struct image image;

    assert_ok(volume_by_name(unit, name, &volume));
    assert_ok(image_by_name(unit, volume.image, &image));
    if (image.measurement[0] != first)
        fail_msg("%s is bound to %s, which is %02x and not %02x", name, image.name,
                 image.measurement[0], first);
}

static void add_volumes(struct fixture *fixture, const char *const names[], uint8_t count)
{
    fixture_add_policy(fixture, "default");
    fixture_add_image(fixture, "web", 0xaa);
    for (uint8_t i = 0; i < count; i++)
        fixture_add_volume(fixture, names[i], "web", i + 1);
}

TEST_FIXTURE(a_volume_stays_with_the_image_that_it_was_made_for, fixture_begin, fixture_end)
{
    static const char *const names[] = {"before", "released", "after", "second", "early", "gone"};
    struct fixture *fixture = *state;
    struct store_unit *unit;
    struct db *db;

    add_volumes(fixture, names, 6);
    db = go_back(fixture);
    add_image(db, "web", 0xaa, 10, 20, NULL);
    add_image(db, "web", 0xbb, 30, 40, NULL);
    add_image(db, "web", 0xcc, 40, 0, NULL);
    set_volume(db, "before", "web", 15, 0);    /* made for the first, which is retired */
    set_volume(db, "released", "web", 15, 35); /* the second got its key: that is done */
    set_volume(db, "after", "web", 45, 0);     /* made for the last */
    set_volume(db, "second", "web", 39, 39);
    set_volume(db, "early", "web", 5, 0); /* a clock that was set back: the first there was */
    set_volume(db, "gone", "web", 15, 0);
    assert_ok(db_script(db, "UPDATE volume SET retired = 16 WHERE name = 'gone'"));
    db_close(db);
    fixture_reopen(fixture);
    unit = fixture_reading(fixture);
    assert_bound(unit, "before", 0xaa);
    assert_bound(unit, "released", 0xbb);
    assert_bound(unit, "after", 0xcc);
    assert_bound(unit, "second", 0xbb);
    assert_bound(unit, "early", 0xaa);
    assert_bound(unit, "gone", 0xaa);
    store_abandon(unit);
}

TEST_FIXTURE(no_key_is_lost_and_none_is_found_by_another_image, fixture_begin, fixture_end)
{
    static const char *const names[] = {"vm"};
    struct fixture *fixture = *state;
    const uint8_t first[LAUNCH_DIGEST_SIZE] = {0xaa}, second[LAUNCH_DIGEST_SIZE] = {0xbb};
    uint8_t key[STATE_KEY_SIZE], wanted[STATE_KEY_SIZE];
    struct store_unit *unit;
    struct volume volume;
    struct db *db;

    add_volumes(fixture, names, 1);
    db = go_back(fixture);
    add_image(db, "web", 0xaa, 10, 20, NULL);
    add_image(db, "web", 0xbb, 30, 0, NULL);
    set_volume(db, "vm", "web", 15, 0);
    db_close(db);
    fixture_reopen(fixture);
    unit = fixture_unit(fixture);
    assert_status(volume_of_measurement(unit, second, &volume), STORE_NOT_FOUND);
    assert_status(volume_of_measurement(unit, first, &volume), STORE_NOT_FOUND);
    assert_ok(volume_by_name(unit, "vm", &volume));
    memset(wanted, 1, sizeof(wanted));
    assert_ok(volume_key(unit, volume.id, key));
    assert_memory_equal(key, wanted, sizeof(key));
    assert_ok(volume_set_image(unit, "vm", "web")); /* as its owner says, if that is meant */
    assert_ok(volume_of_measurement(unit, second, &volume));
    store_abandon(unit);
}

static void list_image(void *context, const struct image *image)
{
    char text[STORE_NAME_MAX + 8];

    snprintf(text, sizeof(text), "%s=%02x%s", image->name, image->measurement[0],
             image->retired ? "" : "+");
    fixture_list(context, text);
}

TEST_FIXTURE(the_newest_image_keeps_the_name_and_the_others_get_one_that_nobody_can_give,
             fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct listed listed = {""};
    struct store_unit *unit;
    char longest[STORE_NAME_MAX + 1];
    struct image image;
    struct db *db = go_back(fixture);

    memset(longest, 'x', STORE_NAME_MAX);
    longest[STORE_NAME_MAX] = '\0';
    add_image(db, "web", 0xaa, 10, 20, NULL);
    add_image(db, "web", 0xbb, 11, 0, NULL);
    add_image(db, "db", 0xcc, 12, 30, NULL); /* of two that are retired, the one retired last */
    add_image(db, "db", 0xdd, 13, 40, NULL);
    add_image(db, "alone", 0xee, 14, 0, NULL);
    add_image(db, longest, 0x11, 15, 20, NULL);
    add_image(db, longest, 0x12, 16, 21, NULL);
    add_image(db, longest, 0x13, 17, 0, NULL);
    db_close(db);
    fixture_reopen(fixture);
    unit = fixture_reading(fixture);
    assert_ok(image_each(unit, list_image, &listed));
    assert_ok(image_by_name(unit, longest, &image));
    assert_int_equal(image.measurement[0], 0x13);
    store_abandon(unit);
    assert_int_equal(strncmp(listed.names, "web~2=aa web=bb+ db~1=cc db=dd alone=ee+ ", 41), 0);
    assert_false(store_is_name("web~2"));
}

TEST_FIXTURE(an_image_that_was_added_again_is_one_and_keeps_its_pages, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct listed listed = {""};
    struct store_unit *unit;
    uint8_t *pages;
    size_t size;
    struct db *db = go_back(fixture);

    add_image(db, "web", 0xaa, 10, 20, "its pages");
    add_image(db, "web", 0xbb, 21, 22, NULL);
    add_image(db, "web", 0xaa, 30, 40, NULL);
    add_image(db, "web", 0xaa, 50, 0, NULL);
    db_close(db);
    fixture_reopen(fixture);
    unit = fixture_reading(fixture);
    assert_ok(image_each(unit, list_image, &listed));
    assert_string_equal(listed.names, "web~1=bb web=aa+ ");
    assert_ok(image_pages(unit, "web", &pages, &size));
    assert_int_equal(size, 9);
    assert_memory_equal(pages, "its pages", 9);
    free(pages);
    store_abandon(unit);
}

TEST_FIXTURE(a_volume_of_an_image_that_was_added_again_is_its_own, fixture_begin, fixture_end)
{
    static const char *const names[] = {"vm"};
    struct fixture *fixture = *state;
    struct store_unit *unit;
    struct db *db;

    add_volumes(fixture, names, 1);
    db = go_back(fixture);
    add_image(db, "web", 0xaa, 10, 20, NULL);
    add_image(db, "web", 0xbb, 22, 25, NULL);
    add_image(db, "web", 0xaa, 30, 0, NULL);
    set_volume(db, "vm", "web", 15, 0);
    db_close(db);
    fixture_reopen(fixture);
    unit = fixture_reading(fixture);
    assert_bound(unit, "vm", 0xaa);
    store_abandon(unit);
}

TEST_FIXTURE(names_are_their_images_own_afterwards, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct image again = {.name = "web", .measurement = {0xbb}, .added = 50};
    struct image other = {.name = "web", .measurement = {0xaa}, .added = 50};
    struct store_unit *unit;
    struct db *db = go_back(fixture);

    add_image(db, "web", 0xaa, 10, 20, NULL);
    add_image(db, "web", 0xbb, 30, 40, NULL);
    db_close(db);
    fixture_reopen(fixture);
    unit = fixture_unit(fixture);
    assert_status(image_add(unit, &other, NULL, 0), STORE_NAME_USED);
    assert_ok(image_add(unit, &again, NULL, 0));
    assert_ok(store_commit(unit));
    fixture_reopen(fixture); /* there is nothing left to migrate */
}

TEST_GROUP(fixture_begin_group, fixture_end_group)
