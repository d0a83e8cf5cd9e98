/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "kbs/store.h"
#include "tests/unit/kbs/scratch.h"

static const uint8_t measurement_a[LAUNCH_DIGEST_SIZE] = {0xaa}, measurement_b[LAUNCH_DIGEST_SIZE];
static const uint8_t secret_1[STATE_KEY_SIZE] = {1}, secret_2[STATE_KEY_SIZE] = {2};

static struct store *open_or_fail(const char *path)
{
    struct store *store;
    enum store_status status = store_open(path, true, &store);

    if (status != STORE_OK)
        fail_msg("%s", store_reason(store, status));
    return store;
}

static void a_new_database_is_its_owners_alone(void **state)
{
    char path[PATH_MAX];
    struct stat file;

    (void)state;
    store_close(open_or_fail(scratch_path("new", path)));
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
}

static void what_is_registered_is_there_after_reopening(void **state)
{
    char path[PATH_MAX];
    struct store *store = open_or_fail(scratch_path("durable", path));
    uint8_t secret[STATE_KEY_SIZE];

    (void)state;
    assert_int_equal(store_has(store, measurement_a), STORE_NOT_FOUND);
    assert_int_equal(store_fetch(store, measurement_a, secret), STORE_NOT_FOUND);
    assert_int_equal(store_register(store, measurement_a, secret_1, false, 1), STORE_OK);
    store_close(store);
    store = open_or_fail(path);
    assert_int_equal(store_has(store, measurement_a), STORE_OK);
    assert_int_equal(store_fetch(store, measurement_a, secret), STORE_OK);
    assert_memory_equal(secret, secret_1, sizeof(secret));
    assert_int_equal(store_has(store, measurement_b), STORE_NOT_FOUND);
    store_close(store);
}

static void a_registration_changes_only_when_asked_to(void **state)
{
    char path[PATH_MAX];
    struct store *store = open_or_fail(scratch_path("replace", path));
    uint8_t secret[STATE_KEY_SIZE];

    (void)state;
    assert_int_equal(store_register(store, measurement_a, secret_1, false, 1), STORE_OK);
    assert_int_equal(store_register(store, measurement_a, secret_2, false, 2), STORE_EXISTS);
    assert_int_equal(store_fetch(store, measurement_a, secret), STORE_OK);
    assert_memory_equal(secret, secret_1, sizeof(secret));
    assert_int_equal(store_register(store, measurement_a, secret_2, true, 3), STORE_OK);
    assert_int_equal(store_fetch(store, measurement_a, secret), STORE_OK);
    assert_memory_equal(secret, secret_2, sizeof(secret));
    store_close(store);
}

static void two_processes_see_each_others_registrations(void **state)
{
    char path[PATH_MAX];
    struct store *server = open_or_fail(scratch_path("shared", path)),
                 *command = open_or_fail(path);
    unsigned count;

    (void)state;
    assert_int_equal(store_register(command, measurement_a, secret_1, false, 1), STORE_OK);
    assert_int_equal(store_has(server, measurement_a), STORE_OK);
    assert_int_equal(store_flush(command, &count), STORE_OK);
    assert_int_equal(store_has(server, measurement_a), STORE_NOT_FOUND);
    store_close(server);
    store_close(command);
}

static unsigned visits;

static void count_visit(const uint8_t measurement[LAUNCH_DIGEST_SIZE], time_t registered)
{
    assert_int_equal(measurement[0], visits == 0 ? 0 : 0xaa); /* oldest first */
    assert_int_equal(registered, visits == 0 ? 1 : 2);
    visits++;
}

static void lists_and_flushes_everything(void **state)
{
    char path[PATH_MAX];
    struct store *store = open_or_fail(scratch_path("list", path));
    unsigned count;

    (void)state;
    assert_int_equal(store_register(store, measurement_a, secret_1, false, 2), STORE_OK);
    assert_int_equal(store_register(store, measurement_b, secret_2, false, 1), STORE_OK);
    visits = 0;
    assert_int_equal(store_each(store, count_visit), STORE_OK);
    assert_int_equal(visits, 2);
    assert_int_equal(store_flush(store, &count), STORE_OK);
    assert_int_equal(count, 2);
    assert_int_equal(store_each(store, count_visit), STORE_OK);
    assert_int_equal(visits, 2);
    store_close(store);
}

static bool file_holds(const char *path, const void *bytes, size_t size)
{
    static char content[1 << 20];
    FILE *file = fopen(path, "r");
    size_t got = file ? fread(content, 1, sizeof(content), file) : 0;

    if (file)
        fclose(file);
    return memmem(content, got, bytes, size) != NULL;
}

static void a_flushed_secret_is_in_no_file(void **state)
{
    char path[PATH_MAX], log[PATH_MAX];
    struct store *store = open_or_fail(scratch_path("wiped", path));
    uint8_t secret[STATE_KEY_SIZE];
    unsigned count;

    (void)state;
    scratch_path("wiped-wal", log);
    memset(secret, 0x5e, sizeof(secret));
    assert_int_equal(store_register(store, measurement_a, secret, false, 1), STORE_OK);
    assert_true(file_holds(path, secret, sizeof(secret)) ||
                file_holds(log, secret, sizeof(secret)));
    assert_int_equal(store_flush(store, &count), STORE_OK);
    assert_false(file_holds(path, secret, sizeof(secret)));
    assert_false(file_holds(log, secret, sizeof(secret)));
    store_close(store);
}

static enum store_status open_status(const char *path, bool create)
{
    struct store *store;
    enum store_status status = store_open(path, create, &store);

    store_close(store);
    return status;
}

static void refuses_files_that_are_exposed_foreign_or_missing(void **state)
{
    char path[PATH_MAX];
    FILE *file;

    (void)state;
    assert_int_equal(open_status(scratch_path("missing", path), false), STORE_NOT_FOUND);
    assert_int_equal(open_status(scratch_path("no/folder", path), true), STORE_FAILED);

    store_close(open_or_fail(scratch_path("exposed", path)));
    chmod(path, 0640);
    assert_int_equal(open_status(path, true), STORE_EXPOSED);

    file = fopen(scratch_path("foreign", path), "w");
    for (int i = 0; i < 100; i++)
        fputs("this is not a database at all\n", file);
    fclose(file);
    chmod(path, 0600);
    assert_int_equal(open_status(path, true), STORE_NOT_DATABASE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_database_is_its_owners_alone),
        cmocka_unit_test(what_is_registered_is_there_after_reopening),
        cmocka_unit_test(a_registration_changes_only_when_asked_to),
        cmocka_unit_test(two_processes_see_each_others_registrations),
        cmocka_unit_test(lists_and_flushes_everything),
        cmocka_unit_test(a_flushed_secret_is_in_no_file),
        cmocka_unit_test(refuses_files_that_are_exposed_foreign_or_missing),
    };

    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
