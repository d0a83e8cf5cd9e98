/* SPDX-License-Identifier: MIT */
#include "tests/unit/kbs-store/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kbs/store/policies.h"
#include "tests/unit/kbs/scratch.h"

static unsigned made;

void fixture_assert_status(enum store_status actual, enum store_status wanted, const char *text,
                           const char *file, int line)
{
    if (actual == wanted)
        return;
    print_error("%s: \"%s\", not \"%s\"\n", text, store_status_text(actual),
                store_status_text(wanted));
    _fail(file, line);
}

int fixture_begin_group(void **state)
{
    return scratch_make(state);
}

int fixture_end_group(void **state)
{
    return scratch_remove(state);
}

bool fixture_is_postgres(void)
{
    return getenv("SNP_VTPM_TEST_POSTGRES") != NULL;
}

const char *fixture_path(const char *name, char path[PATH_MAX])
{
    return scratch_path(name, path);
}

const char *fixture_file(const struct fixture *fixture)
{
    return fixture->url + strlen("sqlite:");
}

/* A schema is to the store what a database is, and much sooner made. */
static void make_schema(const char *name)
{
    char sql[64];
    struct db *db;

    assert_ok(db_postgres_open(getenv("SNP_VTPM_TEST_POSTGRES"), &db));
    snprintf(sql, sizeof(sql), "CREATE SCHEMA %s", name);
    assert_ok(db_script(db, sql));
    db_close(db);
}

void fixture_new_url(char *url, size_t room)
{
    char name[32], path[PATH_MAX];

    snprintf(name, sizeof(name), "t%d_%u", getpid(), made++);
    if (fixture_is_postgres()) {
        make_schema(name);
        snprintf(url, room, "%s&options=-csearch_path%%3D%s", getenv("SNP_VTPM_TEST_POSTGRES"),
                 name);
    } else {
        snprintf(url, room, "sqlite:%s", scratch_path(name, path));
    }
}

struct master_keys fixture_keys(uint8_t first)
{
    struct master_keys keys = {.count = 1};

    memset(keys.keys[0].bytes, first, MASTER_KEY_SIZE);
    memset(keys.keys[0].id, first, MASTER_KEY_ID);
    return keys;
}

static void open_store(struct fixture *fixture)
{
    enum store_status status = store_open(fixture->url, true, &fixture->keys, &fixture->store);

    if (status != STORE_OK)
        fail_msg("%s", store_reason(fixture->store, status));
}

int fixture_begin(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    *state = fixture;
    if (!fixture)
        return -1;
    fixture_new_url(fixture->url, sizeof(fixture->url));
    fixture->keys = fixture_keys(0x11);
    open_store(fixture);
    return 0;
}

int fixture_end(void **state)
{
    struct fixture *fixture = *state;

    store_close(fixture->store);
    free(fixture);
    return 0;
}

void fixture_reopen(struct fixture *fixture)
{
    store_close(fixture->store);
    open_store(fixture);
}

struct db *fixture_raw(const struct fixture *fixture)
{
    struct db *db;

    assert_ok(fixture_is_postgres() ? db_postgres_open(fixture->url, &db)
                                    : db_sqlite_open(fixture_file(fixture), false, &db));
    return db;
}

void fixture_sql(const struct fixture *fixture, const char *sql)
{
    struct db *db = fixture_raw(fixture);
    enum store_status status = db_script(db, sql);

    if (status != STORE_OK)
        fail_msg("%s: %s", sql, db->reason);
    db_close(db);
}

struct store_unit *fixture_unit(const struct fixture *fixture)
{
    struct store_unit *unit;

    assert_ok(store_begin(fixture->store, &unit));
    return unit;
}

struct store_unit *fixture_reading(const struct fixture *fixture)
{
    struct store_unit *unit;

    assert_ok(store_begin_reading(fixture->store, &unit));
    return unit;
}

void fixture_add_policy(const struct fixture *fixture, const char *name)
{
    struct store_unit *unit = fixture_unit(fixture);

    assert_ok(policy_put(unit, name, "# strict", false, 1));
    assert_ok(store_commit(unit));
}

void fixture_add_image(const struct fixture *fixture, const char *name, uint8_t first)
{
    struct store_unit *unit = fixture_unit(fixture);
    struct image image = {.measurement = {first}, .added = first};

    strcpy(image.name, name);
    assert_ok(image_add(unit, &image, NULL, 0));
    assert_ok(store_commit(unit));
}

struct volume fixture_add_volume(const struct fixture *fixture, const char *name, const char *image,
                                 uint8_t first)
{
    struct store_unit *unit = fixture_unit(fixture);
    struct volume volume = {.id = {first}, .policy = "default", .created = first};
    uint8_t key[STATE_KEY_SIZE];

    memset(key, first, sizeof(key));
    strcpy(volume.name, name);
    strcpy(volume.image, image);
    assert_ok(volume_add(unit, &volume, key));
    assert_ok(store_commit(unit));
    return volume;
}

void fixture_list(struct listed *listed, const char *name)
{
    strncat(listed->names, name, sizeof(listed->names) - strlen(listed->names) - 1);
    strncat(listed->names, " ", sizeof(listed->names) - strlen(listed->names) - 1);
}
