/* SPDX-License-Identifier: MIT */
/* What only SQLite's store has: a file, which may be something else, or an older version's. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "kbs/audit/audit.h"
#include "kbs/store/policies.h"
#include "tests/unit/child.h"
#include "tests/unit/kbs-store/fixture.h"
#include "tests/unit/measuring.h"
#include "tests/unit/registered.h"

static struct master_keys keys;

static enum store_status try_open(const char *path, bool create)
{
    struct store *store;
    enum store_status status = store_open(path, create, &keys, &store);

    store_close(store);
    return status;
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db;
    char *error = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", sql, error);
    assert_int_equal(chmod(path, 0600), 0);
    sqlite3_close(db);
}

static mode_t mode_of(const char *path, const char *suffix)
{
    char whole[PATH_MAX + 8];
    struct stat file;

    snprintf(whole, sizeof(whole), "%s%s", path, suffix);
    assert_int_equal(stat(whole, &file), 0);
    return file.st_mode & 0777;
}

TEST(a_new_store_is_its_owners_alone)
{
    char path[PATH_MAX];
    mode_t before = umask(0);
    struct store *store;

    assert_ok(store_open(fixture_path("new", path), true, &keys, &store));
    umask(before);
    assert_int_equal(mode_of(path, ""), 0600);
    assert_int_equal(mode_of(path, "-wal"), 0600);
    assert_int_equal(mode_of(path, "-shm"), 0600);
    store_close(store);
}

TEST(a_file_that_others_may_access_is_refused)
{
    char path[PATH_MAX];
    static const mode_t exposed[] = {0640, 0604, 0660, 0620};

    assert_ok(try_open(fixture_path("exposed", path), true));
    for (size_t i = 0; i < sizeof(exposed) / sizeof(exposed[0]); i++) {
        assert_int_equal(chmod(path, exposed[i]), 0);
        assert_status(try_open(path, true), STORE_EXPOSED);
    }
    assert_int_equal(chmod(path, 0600), 0);
    assert_ok(try_open(path, false));
}

TEST(what_is_not_there_is_only_made_when_wanted)
{
    char path[PATH_MAX];
    int fd;

    assert_status(try_open(fixture_path("absent", path), false), STORE_NO_DATABASE);
    assert_int_equal(access(path, F_OK), -1);
    fd = open(path, O_CREAT | O_WRONLY, 0600); /* as a crash could leave it */
    close(fd);
    assert_status(try_open(path, false), STORE_NO_DATABASE);
    assert_ok(try_open(path, true));
    assert_ok(try_open(path, false));
    assert_status(try_open(fixture_path("no/such/folder", path), true), STORE_FAILED);
}

TEST(something_else_is_not_taken_for_a_store)
{
    char path[PATH_MAX];
    FILE *file = fopen(fixture_path("text", path), "w");

    fputs("This is no database, but long enough to be taken for one by the careless.\n", file);
    for (unsigned i = 0; i < 100; i++)
        fputs("This is no database.\n", file);
    fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
    assert_status(try_open(path, true), STORE_NOT_DATABASE);
    assert_int_equal(mkdir(fixture_path("folder", path), 0700), 0);
    assert_status(try_open(path, true), STORE_NOT_DATABASE);
    run_sql(fixture_path("foreign", path), "CREATE TABLE contacts (name TEXT)");
    assert_status(try_open(path, true), STORE_NOT_DATABASE);
    run_sql(fixture_path("like", path),
            "CREATE TABLE registration (course TEXT); PRAGMA user_version = 2");
    assert_status(try_open(path, true), STORE_NOT_DATABASE);
}

TEST(a_newer_version_is_refused_and_left_alone)
{
    char path[PATH_MAX];

    assert_ok(try_open(fixture_path("newer", path), true));
    run_sql(path, "UPDATE schema_version SET version = version + 90");
    assert_status(try_open(path, true), STORE_NEWER_VERSION);
    run_sql(path, "UPDATE schema_version SET version = version - 90");
    assert_ok(try_open(path, false));
}

TEST(a_relative_path_is_the_same_file_wherever_the_process_goes)
{
    char folder[PATH_MAX], back[PATH_MAX];
    struct store_unit *units[2];
    struct store *store;

    assert_non_null(getcwd(back, sizeof(back)));
    assert_int_equal(chdir(fixture_path("", folder)), 0);
    assert_ok(store_open("sqlite:relative", true, &keys, &store));
    assert_int_equal(chdir("/"), 0);
    assert_ok(store_begin_reading(store, &units[0]));
    assert_ok(store_begin_reading(store, &units[1])); /* on a connection of its own */
    store_abandon(units[0]);
    store_abandon(units[1]);
    store_close(store);
    assert_int_equal(chdir(back), 0);
}

/* SQLite's lock on the file shows other processes that its log is in use; see "POSIX Advisory
 * Locks" in SQLite's documentation on how to corrupt a database. */
static bool another_process_sees_it_in_use(const char *path)
{
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    pid_t child = child_fork();
    int status;

    if (child == 0) {
        int fd = open(path, O_RDWR);

        _exit(fd >= 0 && fcntl(fd, F_GETLK, &all) == 0 && all.l_type != F_UNLCK ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(another_connection_keeps_the_locks_of_the_first)
{
    char path[PATH_MAX];
    struct store *store, *again;
    struct store_unit *units[2];

    assert_ok(store_open(fixture_path("locks", path), true, &keys, &store));
    assert_ok(store_begin_reading(store, &units[0]));
    assert_ok(store_ping(store));
    assert_true(another_process_sees_it_in_use(path));
    assert_ok(store_begin_reading(store, &units[1]));
    assert_ok(store_open(path, true, &keys, &again));
    assert_true(another_process_sees_it_in_use(path));
    store_abandon(units[0]);
    store_abandon(units[1]);
    store_close(again);
    store_close(store);
}

/* Migration */

/* What version 1 of the schema was. */
static const char legacy_schema[] =
    "PRAGMA journal_mode = WAL;"
    "BEGIN IMMEDIATE;"
    "CREATE TABLE registration ("
    "  measurement BLOB PRIMARY KEY CHECK (length(measurement) = 48),"
    "  secret BLOB NOT NULL CHECK (length(secret) = 64),"
    "  registered INTEGER NOT NULL) STRICT;"
    "PRAGMA user_version = 1;"
    "COMMIT;";

static void set_measurement(uint8_t measurement[LAUNCH_DIGEST_SIZE], unsigned i)
{
    /* The last two begin alike. */
    memset(measurement, 0, LAUNCH_DIGEST_SIZE);
    measurement[0] = (uint8_t)(i == 0);
    measurement[20] = (uint8_t)i;
    measurement[21] = (uint8_t)(i >> 8);
}

static void set_key(uint8_t key[STATE_KEY_SIZE], unsigned i)
{
    memset(key, 0xc7, STATE_KEY_SIZE);
    key[0] = (uint8_t)i;
    key[1] = (uint8_t)(i >> 8);
}

/* With its log beside it, as a crash leaves it. */
static void make_legacy(const char *path, unsigned registrations)
{
    sqlite3 *db;
    sqlite3_stmt *insert;
    uint8_t measurement[LAUNCH_DIGEST_SIZE], key[STATE_KEY_SIZE];

    run_sql(path, "");
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, legacy_schema, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    assert_int_equal(
        sqlite3_prepare_v2(db, "INSERT INTO registration VALUES (?1, ?2, ?3)", -1, &insert, NULL),
        SQLITE_OK);
    sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
    for (unsigned i = 0; i < registrations; i++) {
        set_measurement(measurement, i);
        set_key(key, i);
        sqlite3_bind_blob(insert, 1, measurement, sizeof(measurement), SQLITE_STATIC);
        sqlite3_bind_blob(insert, 2, key, sizeof(key), SQLITE_STATIC);
        sqlite3_bind_int64(insert, 3, 1000 + i);
        assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
        sqlite3_reset(insert);
    }
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    sqlite3_finalize(insert);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(chmod(path, 0600), 0);
}

static void assert_migrated(const char *path, unsigned registrations)
{
    uint8_t measurement[LAUNCH_DIGEST_SIZE], key[STATE_KEY_SIZE], wanted[STATE_KEY_SIZE];
    struct store *store;
    struct store_unit *unit;
    struct image image;
    struct volume volume;

    assert_ok(store_open(path, false, &keys, &store));
    assert_ok(store_begin_reading(store, &unit));
    for (unsigned i = 0; i < registrations; i++) {
        set_measurement(measurement, i);
        set_key(wanted, i);
        assert_ok(image_by_measurement(unit, measurement, &image));
        assert_int_equal(image.added, 1000 + i);
        assert_ok(volume_of_measurement(unit, measurement, &volume));
        assert_string_equal(volume.policy, "default");
        assert_int_equal(volume.release, VOLUME_RELEASE_ANY);
        assert_int_equal(volume.created, 1000 + i);
        assert_ok(volume_key(unit, volume.id, key));
        assert_memory_equal(key, wanted, sizeof(key));
    }
    store_abandon(unit);
    store_close(store);
}

static bool file_has(const char *path, const char *suffix, const void *bytes, size_t size)
{
    char whole[PATH_MAX + 8];
    struct stat info;
    FILE *file;
    char *content;
    bool has;

    snprintf(whole, sizeof(whole), "%s%s", path, suffix);
    file = fopen(whole, "r");
    if (!file)
        return false;
    assert_int_equal(fstat(fileno(file), &info), 0);
    content = malloc((size_t)info.st_size + 1);
    assert_int_equal(fread(content, 1, (size_t)info.st_size, file), info.st_size);
    has = memmem(content, (size_t)info.st_size, bytes, size) != NULL;
    free(content);
    fclose(file);
    return has;
}

static bool has_clear_secrets(const char *path)
{
    uint8_t key[STATE_KEY_SIZE];

    set_key(key, 0);
    return file_has(path, "", key + 2, 32) || file_has(path, "-wal", key + 2, 32);
}

TEST(registrations_of_version_1_become_images_and_volumes)
{
    char path[PATH_MAX];
    struct store *store;
    struct store_unit *unit;
    struct image image;
    struct volume volume;
    char *policy;

    make_legacy(fixture_path("legacy", path), 3);
    assert_ok(store_open(path, false, &keys, &store));
    assert_ok(store_begin_reading(store, &unit));
    assert_ok(image_by_name(unit, "image-0100000000000000", &image));
    assert_ok(volume_by_name(unit, "volume-0100000000000000", &volume));
    assert_string_equal(volume.image, "image-0100000000000000");
    assert_ok(image_by_name(unit, "image-0000000000000000", &image));
    assert_ok(image_by_name(unit, "image-00000000000000000000000000000000000000000200000000000000",
                            &image));
    assert_ok(policy_text(unit, "default", &policy));
    free(policy);
    store_abandon(unit);
    store_close(store);
    assert_migrated(path, 3);
}

TEST(no_secret_of_version_1_stays_in_the_clear)
{
    char path[PATH_MAX];
    struct store *store;

    make_legacy(fixture_path("cleartext", path), 200);
    assert_true(has_clear_secrets(path));
    assert_ok(store_open(path, false, &keys, &store));
    assert_false(has_clear_secrets(path));
    store_close(store);
    assert_false(has_clear_secrets(path));
    assert_migrated(path, 200);
}

TEST(an_empty_store_of_version_1_is_migrated)
{
    char path[PATH_MAX];

    make_legacy(fixture_path("empty", path), 0);
    assert_ok(try_open(path, false));
    assert_ok(try_open(path, false));
}

/* Migrates in a child that is killed after the time. */
static void migrate_and_kill(const char *path, double after)
{
    struct timespec wait = {.tv_nsec = (long)(after * 1e9)};
    pid_t child = child_fork();
    int status;

    if (child == 0)
        _exit(try_open(path, false) == STORE_OK ? 0 : 1);
    nanosleep(&wait, NULL);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
}

TEST(a_crash_at_any_instant_of_the_migration_is_made_up_for)
{
    char path[PATH_MAX], name[32];
    double whole;

    make_legacy(fixture_path("timed", path), 200);
    whole = seconds();
    assert_ok(try_open(path, false));
    whole = seconds() - whole;
    for (unsigned i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "crash-%u", i);
        make_legacy(fixture_path(name, path), 200);
        migrate_and_kill(path, whole > 0.9 ? 0.9 : whole * i / 16);
        assert_migrated(path, 200);
        assert_false(has_clear_secrets(path));
    }
}

TEST(only_one_of_several_servers_migrates)
{
    char path[PATH_MAX];
    pid_t children[4];
    int status;

    make_legacy(fixture_path("several", path), 50);
    for (unsigned i = 0; i < 4; i++) {
        children[i] = child_fork();
        if (children[i] == 0)
            _exit((int)try_open(path, true));
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        assert_status(WEXITSTATUS(status), STORE_OK);
    }
    assert_migrated(path, 50);
    assert_false(has_clear_secrets(path));
}

TEST_GROUP(fixture_begin_group, fixture_end_group)

int main(void)
{
    keys = fixture_keys(0x11);
    return tests_run();
}
