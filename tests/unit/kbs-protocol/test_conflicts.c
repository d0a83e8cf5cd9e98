/* SPDX-License-Identifier: MIT */
/* PostgreSQL ends transactions that are in each other's way (40001, 40P01): clients do not notice,
 * or are asked to come again, and keep their nonce. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/kbs-protocol/client.h"
#include "tests/unit/kbs-store/fixture.h"
#include "tests/unit/registered.h"

#define HELLO "{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":\"\"}"

/* A connection beside those of the server. */
static struct db *raw(struct world *world)
{
    struct db *db;

    assert_ok(db_postgres_open(world->url, &db));
    return db;
}

static void run(struct db *db, const char *sql)
{
    if (db_script(db, sql) != STORE_OK)
        fail_msg("%s: %s", sql, db->reason);
}

/* From now on the first so many such changes (INSERT, UPDATE) of a table end as if another
 * transaction came first. */
static void disturb(struct world *world, const char *change, const char *table, unsigned times)
{
    struct db *db = raw(world);
    char sql[1024];

    snprintf(sql, sizeof(sql),
             "CREATE SEQUENCE disturbances;"
             "CREATE FUNCTION disturb() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
             "IF nextval('disturbances') <= %u THEN "
             "RAISE EXCEPTION SQLSTATE '40001'; END IF; RETURN NEW; END $$;"
             "CREATE TRIGGER disturb BEFORE %s ON %s FOR EACH ROW EXECUTE FUNCTION disturb()",
             times, change, table);
    run(db, sql);
    db_close(db);
}

static void leave_in_peace(struct world *world)
{
    struct db *db = raw(world);

    run(db, "DROP FUNCTION disturb CASCADE; DROP SEQUENCE disturbances");
    db_close(db);
}

static void assert_gets_the_key(struct world *world)
{
    size_t size;
    char *key = client_get(&client, world, VOLUME_PATH, &size, NULL);

    assert_non_null(key);
    assert_int_equal(size, STATE_KEY_SIZE);
    free(key);
}

TEST_FIXTURE(a_nonce_is_spent_in_spite_of_conflicts, client_begin, client_end)
{
    struct world *world = *state;

    client_authenticate(&client, world);
    disturb(world, "UPDATE", "kbs_session", 3);
    assert_int_equal(client_attest(&client, world, client_coconut(&client), NULL, NULL), 200);
    assert_gets_the_key(world);
}

TEST_FIXTURE(conflicts_that_persist_leave_the_nonce, client_begin, client_end)
{
    struct world *world = *state;
    char code[64];

    client_authenticate(&client, world);
    disturb(world, "UPDATE", "kbs_session", 1000);
    assert_int_equal(client_attest(&client, world, client_coconut(&client), code, NULL), 503);
    assert_string_equal(code, "storage-busy");
    world_expect_audit(world, "reason", "storage-busy");
    leave_in_peace(world);
    assert_int_equal(client_attest(&client, world, client_coconut(&client), NULL, NULL), 200);
    assert_gets_the_key(world);
}

TEST_FIXTURE(a_session_is_opened_in_spite_of_conflicts, client_begin, client_end)
{
    struct world *world = *state;

    disturb(world, "INSERT", "kbs_session", 3);
    client_authenticate(&client, world);
    leave_in_peace(world);
    disturb(world, "INSERT", "kbs_session", 1000);
    client.connection.cookie[0] = '\0';
    world->client = client.connection;
    world_expect_refusal(world, "POST", "/kbs/v0/auth", HELLO, 503, "storage-busy");
}

TEST_FIXTURE(a_key_is_released_once_in_spite_of_conflicts, client_begin, client_end)
{
    struct world *world = *state;
    uint64_t lines;

    client_authenticate(&client, world);
    assert_int_equal(client_attest(&client, world, client_coconut(&client), NULL, NULL), 200);
    lines = world_audit_count(world);
    disturb(world, "UPDATE", "volume", 2);
    assert_gets_the_key(world);
    assert_int_equal(world_audit_count(world), lines + 1);
    world_expect_audit(world, "result", "released");
}

TEST_FIXTURE(conflicts_that_persist_release_nothing, client_begin, client_end)
{
    struct world *world = *state;
    char code[64];
    size_t size;

    client_authenticate(&client, world);
    assert_int_equal(client_attest(&client, world, client_coconut(&client), NULL, NULL), 200);
    disturb(world, "UPDATE", "volume", 1000);
    assert_null(client_get(&client, world, VOLUME_PATH, &size, code));
    assert_string_equal(code, "storage-busy");
    assert_false(world_audit_has(world, "released"));
    leave_in_peace(world);
    assert_gets_the_key(world);
}

/* A deadlock: the session's row is another's, who wants the table, which the server has a lock on
 * while it waits for the row. PostgreSQL ends the server's transaction, which has waited for
 * longer, unless the machine is so busy that it does not look in time. */

static struct world *deadlocked;
static unsigned answered;

static void *attest(void *unused)
{
    (void)unused;
    answered = client_attest(&client, deadlocked, client_coconut(&client), NULL, NULL);
    return NULL;
}

static void wait_until_somebody_waits(struct db *db)
{
    struct timespec pause = {.tv_nsec = 5000000};
    int64_t waiting = 0;

    while (!waiting) {
        nanosleep(&pause, NULL);
        assert_ok(db_ask_integer(db, "SELECT count(*) FROM pg_locks WHERE NOT granted", NULL, 0,
                                 &waiting));
    }
}

TEST_FIXTURE(a_deadlock_is_no_spent_nonce, client_begin, client_end)
{
    struct db *other, *watch;
    pthread_t thread;

    deadlocked = *state;
    other = raw(deadlocked);
    watch = raw(deadlocked);
    client_authenticate(&client, deadlocked);
    run(other, "BEGIN; UPDATE kbs_session SET opened = opened");
    assert_int_equal(pthread_create(&thread, NULL, attest, NULL), 0);
    wait_until_somebody_waits(watch);
    (void)!db_script(other, "LOCK TABLE kbs_session IN SHARE MODE");
    run(other, "ROLLBACK");
    pthread_join(thread, NULL);
    assert_int_equal(answered, 200);
    assert_gets_the_key(deadlocked);
    db_close(other);
    db_close(watch);
}

TEST_GROUP(world_make_chip, world_free_chip)
