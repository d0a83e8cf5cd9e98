/* SPDX-License-Identifier: MIT */
/* What one can learn from the database, or do to it, without the master key. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/audit/audit.h"
#include "kbs/keys/keyring.h"
#include "kbs/store/rewrap.h"
#include "kbs/store/secrets.h"
#include "kbs/store/tokens.h"
#include "tests/unit/kbs-store/fixture.h"
#include "tests/unit/registered.h"

#define SECRET_TEXT "the-secret-0f4c1b7e-in-the-clear"

static void fill(const struct fixture *fixture)
{
    struct store_unit *unit;

    fixture_add_policy(fixture, "default");
    fixture_add_image(fixture, "svsm-1", 0xaa);
    fixture_add_volume(fixture, "vm-1", "svsm-1", 1);
    fixture_add_volume(fixture, "vm-2", "svsm-1", 2);
    unit = fixture_unit(fixture);
    assert_ok(secret_put(unit, "a/b/one", "default", SECRET_TEXT, sizeof(SECRET_TEXT), false, 1));
    assert_ok(secret_put(unit, "a/b/two", "default", "two", 3, false, 1));
    assert_ok(store_commit(unit));
}

static enum store_status fetch_secret(const struct fixture *fixture, const char *path)
{
    struct store_unit *unit = fixture_reading(fixture);
    uint8_t *bytes;
    size_t size;
    enum store_status status = secret_fetch(unit, path, &bytes, &size);

    assert_true((status == STORE_OK) == (bytes != NULL));
    free(bytes);
    store_abandon(unit);
    return status;
}

static enum store_status fetch_key(const struct fixture *fixture, uint8_t first)
{
    struct store_unit *unit = fixture_reading(fixture);
    const uint8_t id[VOLUME_ID_SIZE] = {first};
    uint8_t key[STATE_KEY_SIZE];
    enum store_status status = volume_key(unit, id, key);

    store_abandon(unit);
    return status;
}

TEST_FIXTURE(another_master_key_gives_no_secret, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;

    fill(fixture);
    fixture->keys = fixture_keys(0x22);
    fixture_reopen(fixture);
    assert_status(fetch_secret(fixture, "a/b/one"), STORE_WRONG_KEY);
    assert_status(fetch_key(fixture, 1), STORE_WRONG_KEY);
}

/* Same id, another key: as a collision, or someone's attempt at one. */
TEST_FIXTURE(a_master_key_is_not_believed_for_its_id, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;

    fill(fixture);
    fixture->keys.keys[0].bytes[0] ^= 1;
    fixture_reopen(fixture);
    assert_status(fetch_secret(fixture, "a/b/one"), STORE_WRONG_KEY);
    assert_status(fetch_key(fixture, 1), STORE_WRONG_KEY);
}

struct copied {
    const struct db *db;
    uint8_t bytes[512];
    size_t size;
};

static void copy_bytes(void *context, const struct db_row *row)
{
    struct copied *copied = context;
    struct db_value value = db_row_value(copied->db, row, 0);

    assert_true(value.size <= sizeof(copied->bytes));
    memcpy(copied->bytes, value.bytes, value.size);
    copied->size = value.size;
}

TEST_FIXTURE(altered_wrapped_bytes_are_refused, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct db *db;
    struct copied copied = {0};

    fill(fixture);
    db = fixture_raw(fixture);
    copied.db = db;
    assert_ok(db_run(db, "SELECT wrapped FROM secret WHERE path = 'a/b/one'", NULL, 0, copy_bytes,
                     &copied, NULL));
    copied.bytes[copied.size - 1] ^= 1;
    assert_ok(DB_CHANGE(db, "UPDATE secret SET wrapped = $1 WHERE path = 'a/b/one'",
                        db_bytes(copied.bytes, copied.size)));
    assert_status(fetch_secret(fixture, "a/b/one"), STORE_WRONG_KEY);
    assert_ok(DB_CHANGE(db, "UPDATE secret SET wrapped = $1 WHERE path = 'a/b/one'",
                        db_bytes(copied.bytes, 20)));
    assert_status(fetch_secret(fixture, "a/b/one"), STORE_WRONG_KEY);
    assert_ok(fetch_secret(fixture, "a/b/two"));
    db_close(db);
}

TEST_FIXTURE(a_record_in_the_place_of_another_is_refused, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;

    fill(fixture);
    assert_ok(fetch_secret(fixture, "a/b/one"));
    assert_ok(fetch_key(fixture, 1));
    fixture_sql(fixture,
                "UPDATE secret SET path = CASE path WHEN 'a/b/one' THEN 'a/b/three' ELSE path END;"
                "UPDATE secret SET path = 'a/b/one' WHERE path = 'a/b/two';"
                "UPDATE secret SET path = 'a/b/two' WHERE path = 'a/b/three';"
                "CREATE TABLE swapped AS SELECT * FROM volume_key;"
                "UPDATE volume_key SET wrapped = (SELECT wrapped FROM swapped"
                "  WHERE swapped.volume <> volume_key.volume);");
    assert_status(fetch_secret(fixture, "a/b/one"), STORE_WRONG_KEY);
    assert_status(fetch_secret(fixture, "a/b/two"), STORE_WRONG_KEY);
    assert_status(fetch_key(fixture, 1), STORE_WRONG_KEY);
    assert_status(fetch_key(fixture, 2), STORE_WRONG_KEY);
}

TEST_FIXTURE(an_older_key_in_the_place_of_the_newest_is_refused, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    const uint8_t second[STATE_KEY_SIZE] = {9};
    struct store_unit *unit;

    fill(fixture);
    unit = fixture_unit(fixture);
    assert_ok(volume_set_key(unit, "vm-1", second, 5));
    assert_ok(store_commit(unit));
    fixture_sql(fixture, "CREATE TABLE older AS SELECT * FROM volume_key WHERE version = 1;"
                         "UPDATE volume_key SET wrapped = (SELECT wrapped FROM older"
                         "  WHERE older.volume = volume_key.volume) WHERE version = 2;");
    assert_status(fetch_key(fixture, 1), STORE_WRONG_KEY);
}

TEST_FIXTURE(a_change_of_master_key_wraps_everything_anew, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct master_keys old = fixture->keys, new = fixture_keys(0x22);
    const uint8_t second[STATE_KEY_SIZE] = {9};
    uint8_t id[SIGNING_KEY_ID_SIZE], der[SIGNING_KEY_DER_MAX];
    struct store_unit *unit;
    unsigned count;
    size_t size;

    fill(fixture);
    unit = fixture_unit(fixture);
    assert_ok(volume_set_key(unit, "vm-1", second, 5));
    assert_ok(keyring_generate(unit, SIGNING_KEY_TOKEN, 5, id));
    assert_ok(store_commit(unit));

    fixture->keys = new;
    fixture->keys.keys[1] = old.keys[0];
    fixture->keys.count = 2;
    fixture_reopen(fixture);
    unit = fixture_unit(fixture);
    assert_ok(store_rewrap(unit, &count));
    assert_int_equal(count, 6); /* two secrets, three keys of two volumes, a signing key */
    assert_ok(store_commit(unit));

    fixture->keys = new;
    fixture_reopen(fixture);
    assert_ok(fetch_secret(fixture, "a/b/one"));
    assert_ok(fetch_key(fixture, 1));
    assert_ok(fetch_key(fixture, 2));
    unit = fixture_reading(fixture);
    assert_ok(signing_key_fetch(unit, id, der, &size));
    store_abandon(unit);
    fixture->keys = old;
    fixture_reopen(fixture);
    assert_status(fetch_secret(fixture, "a/b/one"), STORE_WRONG_KEY);
}

TEST_FIXTURE(what_cannot_be_unwrapped_stops_the_wrapping_anew, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit;
    unsigned count;

    fill(fixture);
    fixture->keys = fixture_keys(0x22);
    fixture_reopen(fixture);
    unit = fixture_unit(fixture);
    assert_status(store_rewrap(unit, &count), STORE_WRONG_KEY);
    store_abandon(unit);
    fixture->keys = fixture_keys(0x11);
    fixture_reopen(fixture);
    assert_ok(fetch_secret(fixture, "a/b/one"));
}

/* Looking into every file of the database */

static const void *needle;
static size_t needle_size;
static unsigned files_seen, files_with_it;

static int look_into(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    FILE *file = kind == FTW_F && info->st_size > 0 ? fopen(path, "r") : NULL;
    char *content;
    size_t size;

    (void)where;
    if (!file)
        return 0;
    content = malloc((size_t)info->st_size);
    size = content ? fread(content, 1, (size_t)info->st_size, file) : 0;
    files_seen += size > 0;
    files_with_it += size > 0 && memmem(content, size, needle, needle_size);
    free(content);
    fclose(file);
    return 0;
}

static unsigned files_with(const void *bytes, size_t size)
{
    char path[PATH_MAX];
    const char *folder =
        fixture_is_postgres() ? getenv("SNP_VTPM_TEST_POSTGRES_DATA") : fixture_path("", path);

    needle = bytes;
    needle_size = size;
    files_seen = files_with_it = 0;
    assert_int_equal(nftw(folder ? folder : "", look_into, 16, FTW_PHYS), 0);
    assert_true(files_seen > 0);
    return files_with_it;
}

TEST_FIXTURE(no_file_has_a_secret_in_the_clear, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct token owner = {.name = "alice", .role = ROLE_OWNER, .created = 5};
    uint8_t id[SIGNING_KEY_ID_SIZE], der[SIGNING_KEY_DER_MAX], state_key[STATE_KEY_SIZE];
    char token[TOKEN_TEXT_MAX + 1];
    struct store_unit *unit;
    size_t size;

    fill(fixture);
    /* Not ones: the files of PostgreSQL 17 have such runs. */
    memset(state_key, 0xd7, sizeof(state_key));
    fixture_add_volume(fixture, "vm-3", "svsm-1", state_key[0]);
    unit = fixture_unit(fixture);
    assert_ok(token_create(unit, &owner, token));
    assert_ok(keyring_generate(unit, SIGNING_KEY_RELEASE, 5, id));
    assert_ok(signing_key_fetch(unit, id, der, &size));
    assert_ok(audit_append(unit, "init", json_pack("{s:s}", "by", "alice"), 5));
    assert_ok(store_commit(unit));

    /* That what is in the clear is found at all shows that the others are not there. */
    assert_true(files_with("a/b/one", 7) > 0);
    assert_int_equal(files_with(SECRET_TEXT, sizeof(SECRET_TEXT) - 1), 0);
    assert_int_equal(files_with(state_key, 16), 0);
    assert_int_equal(files_with(token, strlen(token)), 0);
    assert_int_equal(files_with(der + 36, 32), 0); /* within the private number */
    store_close(fixture->store);
    fixture->store = NULL;
    assert_int_equal(files_with(SECRET_TEXT, sizeof(SECRET_TEXT) - 1), 0);
    assert_int_equal(files_with(fixture->keys.keys[0].bytes, MASTER_KEY_SIZE), 0);
}

TEST_GROUP(fixture_begin_group, fixture_end_group)
