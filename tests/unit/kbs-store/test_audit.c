/* SPDX-License-Identifier: MIT */
/* The audit log: what it keeps, what of a change to it is noticed, and its writer. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/audit/audit.h"
#include "kbs/store/policies.h"
#include "tests/unit/kbs-store/fixture.h"
#include "tests/unit/registered.h"

#define LINES 5

static void append(const struct fixture *fixture, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct store_unit *unit = fixture_unit(fixture);

        assert_ok(audit_append(unit, "test", json_pack("{s:i}", "n", (int)i), 1000 + i));
        assert_ok(store_commit(unit));
    }
}

static struct audit_check verify(const struct fixture *fixture)
{
    struct store_unit *unit = fixture_reading(fixture);
    struct audit_check check;

    assert_ok(audit_verify(unit, &check));
    store_abandon(unit);
    return check;
}

static void assert_whole(const struct fixture *fixture, uint64_t entries)
{
    struct audit_check check = verify(fixture);

    if (check.problem)
        fail_msg("%d: %s", (int)check.first_bad, check.problem);
    assert_int_equal(check.entries, entries);
    assert_int_equal(check.first_bad, 0);
}

static void assert_bad_from(const struct fixture *fixture, uint64_t seq)
{
    struct audit_check check = verify(fixture);

    assert_non_null(check.problem);
    assert_int_equal(check.first_bad, seq);
}

/* Appending and reading */

struct entries {
    unsigned count;
    uint64_t seq[16];
    char line[16][128];
    uint8_t hash[AUDIT_HASH_SIZE]; /* the last one's */
};

static void take_entry(void *context, const struct audit_entry *entry)
{
    struct entries *entries = context;

    assert_true(entries->count < 16);
    entries->seq[entries->count] = entry->seq;
    snprintf(entries->line[entries->count], sizeof(entries->line[0]), "%s", entry->line);
    memcpy(entries->hash, entry->hash, sizeof(entries->hash));
    entries->count++;
}

TEST_FIXTURE(a_line_is_its_number_time_and_event_then_its_members, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);
    struct entries entries = {0};

    assert_ok(audit_append(unit, "release",
                           json_pack("{s:s, s:i, s:i}", "volume", "caf\xc3\xa9", "b", 2, "a", 1),
                           1000000000));
    assert_ok(audit_each(unit, 0, 0, take_entry, &entries));
    store_abandon(unit);
    assert_int_equal(entries.count, 1);
    assert_string_equal(entries.line[0],
                        "{\"seq\":1,\"time\":\"2001-09-09T01:46:40Z\",\"event\":\"release\","
                        "\"volume\":\"caf\\u00E9\",\"b\":2,\"a\":1}");
}

TEST_FIXTURE(a_member_cannot_pass_for_number_time_or_event, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);
    struct entries entries = {0};

    assert_ok(audit_append(unit, "release",
                           json_pack("{s:i, s:s, s:s}", "seq", 7, "event", "x", "time", "y"), 0));
    assert_ok(audit_each(unit, 0, 0, take_entry, &entries));
    store_abandon(unit);
    assert_string_equal(entries.line[0],
                        "{\"seq\":1,\"time\":\"1970-01-01T00:00:00Z\",\"event\":\"release\"}");
}

TEST_FIXTURE(entries_are_read_from_a_number_on_and_bounded, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit;
    struct entries all = {0}, some = {0}, none = {0};

    append(fixture, LINES);
    unit = fixture_reading(fixture);
    assert_ok(audit_each(unit, 0, 0, take_entry, &all));
    assert_int_equal(all.count, LINES);
    assert_ok(audit_each(unit, 2, 3, take_entry, &some));
    assert_int_equal(some.count, 3);
    assert_int_equal(some.seq[0], 2);
    assert_int_equal(some.seq[2], 4);
    assert_ok(audit_each(unit, UINT64_MAX, 0, take_entry, &none));
    assert_int_equal(none.count, 0);
    store_abandon(unit);
}

TEST_FIXTURE(the_head_is_the_last_line, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_reading(fixture);
    const uint8_t zeros[AUDIT_HASH_SIZE] = {0};
    struct entries entries = {0};
    uint8_t hash[AUDIT_HASH_SIZE];
    uint64_t seq;

    assert_ok(audit_head(unit, &seq, hash));
    assert_int_equal(seq, 0);
    assert_memory_equal(hash, zeros, sizeof(hash));
    store_abandon(unit);
    append(fixture, LINES);
    unit = fixture_reading(fixture);
    assert_ok(audit_head(unit, &seq, hash));
    assert_ok(audit_each(unit, 0, 0, take_entry, &entries));
    assert_int_equal(seq, LINES);
    assert_memory_equal(hash, entries.hash, sizeof(hash));
    store_abandon(unit);
}

TEST_FIXTURE(a_line_of_an_abandoned_unit_leaves_no_gap, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit;

    append(fixture, 1);
    unit = fixture_unit(fixture);
    assert_ok(audit_append(unit, "test", json_object(), 1));
    store_abandon(unit);
    append(fixture, 1);
    assert_whole(fixture, 2);
}

TEST_FIXTURE(several_lines_of_a_unit_are_chained, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);

    for (unsigned i = 0; i < 3; i++)
        assert_ok(audit_append(unit, "test", json_object(), 1));
    assert_ok(store_commit(unit));
    assert_whole(fixture, 3);
}

TEST_FIXTURE(a_line_without_members_is_refused, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);

    assert_status(audit_append(unit, "test", NULL, 1), STORE_FAILED);
    store_abandon(unit);
    assert_whole(fixture, 0);
}

/* Texts that need six characters for each of theirs, and of more bytes than a line may have. */
TEST_FIXTURE(texts_that_are_too_long_are_cut_and_the_line_is_written, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);
    json_t *members = json_object();
    char *text = calloc(1, 2 * AUDIT_LINE_MAX + 1), *line, name[8];

    for (size_t i = 0; i < AUDIT_LINE_MAX; i++)
        memcpy(text + 2 * i, "\xc3\xa9", 2);
    for (unsigned i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "m%u", i);
        json_object_set_new(members, name, json_string(text));
    }
    assert_ok(audit_append_line(unit, "test", members, 1, &line));
    assert_true(strlen(line) <= AUDIT_LINE_MAX);
    assert_non_null(strstr(line, "\"m0\":\"\\\\xc3\\\\xa9...(8190 bytes more)\","));
    assert_ok(store_commit(unit));
    assert_whole(fixture, 1);
    free(line);
    free(text);
}

/* Verifying: more lines than are read at once. */

TEST_FIXTURE(a_long_chain_is_whole, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);

    for (unsigned i = 0; i < 2000; i++)
        assert_ok(audit_append(unit, "test", json_pack("{s:i}", "n", (int)i), 1));
    assert_ok(store_commit(unit));
    assert_whole(fixture, 2000);
}

struct tampering {
    const char *sql;
    uint64_t first_bad;
};

TEST_FIXTURE(every_tampering_is_noticed, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    static const struct tampering tamperings[] = {
        {"UPDATE audit SET line = replace(line, '\"n\":2', '\"n\":7') WHERE seq = 3", 3},
        {"UPDATE audit SET line = line || ' ' WHERE seq = 3", 3},
        {"UPDATE audit SET line = '' WHERE seq = 3", 3},
        {"UPDATE audit SET hash = (SELECT hash FROM audit WHERE seq = 2) WHERE seq = 3", 3},
        {"UPDATE audit SET time = time + 1 WHERE seq = 3", 3},
        {"DELETE FROM audit WHERE seq = 3", 3},
        {"DELETE FROM audit WHERE seq = 1", 1},
        {"DELETE FROM audit WHERE seq = 5", 5},
        {"DELETE FROM audit WHERE seq >= 4", 4},
        {"DELETE FROM audit", 1},
        {"DELETE FROM audit_head", 5},
        {"UPDATE audit_head SET seq = 4", 5},
        {"UPDATE audit_head SET hash = (SELECT hash FROM audit WHERE seq = 4)", 5},
        {"DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4;"
         "UPDATE audit SET seq = 4 WHERE seq = 5",
         3},
        {"UPDATE audit SET seq = 99 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3;"
         "UPDATE audit SET seq = 3 WHERE seq = 99",
         2},
        {"INSERT INTO audit SELECT 6, time, line, hash FROM audit WHERE seq = 5", 6},
        {"INSERT INTO audit SELECT 0, time, line, hash FROM audit WHERE seq = 5", 1},
    };

    append(fixture, LINES);
    fixture_sql(fixture, "CREATE TABLE kept AS SELECT * FROM audit;"
                         "CREATE TABLE kept_head AS SELECT * FROM audit_head");
    for (size_t i = 0; i < sizeof(tamperings) / sizeof(tamperings[0]); i++) {
        struct audit_check check;

        fixture_sql(fixture, tamperings[i].sql);
        check = verify(fixture);
        if (!check.problem || check.first_bad != tamperings[i].first_bad)
            fail_msg("%s: %d, %s", tamperings[i].sql, (int)check.first_bad,
                     check.problem ? check.problem : "nothing noticed");
        fixture_sql(fixture, "DELETE FROM audit; DELETE FROM audit_head;"
                             "INSERT INTO audit SELECT * FROM kept;"
                             "INSERT INTO audit_head SELECT * FROM kept_head");
        assert_whole(fixture, LINES);
    }
}

/* SQLite keeps what follows a NUL in a text, and C does not see it. */
TEST_FIXTURE(what_follows_a_nul_is_noticed, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct db *db;

    if (fixture_is_postgres())
        skip(); /* whose text has no NUL */
    append(fixture, LINES);
    db = fixture_raw(fixture);
    assert_ok(DB_CHANGE(db, "UPDATE audit SET line = line || CAST($1 AS TEXT) WHERE seq = 2",
                        db_bytes("\0hidden", 7)));
    db_close(db);
    assert_bad_from(fixture, 2);
}

/* The writer */

TEST_FIXTURE(a_recorded_line_is_durable_when_the_call_returns, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct audit *audit = audit_start(fixture->store, false);

    assert_non_null(audit);
    assert_ok(audit_record(audit, "test", json_pack("{s:s}", "a", "b"), 5, NULL, NULL));
    assert_whole(fixture, 1);
    assert_status(audit_record(audit, "test", NULL, 5, NULL, NULL), STORE_FAILED);
    audit_stop(audit);
    audit_stop(NULL);
}

#define THREADS 16
#define EACH    25

struct recording {
    struct audit *audit;
    unsigned number, failed;
};

static void *record_many(void *context)
{
    struct recording *recording = context;

    for (unsigned i = 0; i < EACH; i++)
        if (audit_record(recording->audit, "test",
                         json_pack("{s:i, s:i}", "thread", (int)recording->number, "n", (int)i), 5,
                         NULL, NULL) != STORE_OK)
            recording->failed++;
    return NULL;
}

static void record_in_threads(struct audit *audit, pthread_t threads[THREADS],
                              struct recording recordings[THREADS])
{
    for (unsigned i = 0; i < THREADS; i++) {
        recordings[i] = (struct recording){.audit = audit, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, record_many, &recordings[i]), 0);
    }
}

static unsigned join(pthread_t threads[THREADS], const struct recording recordings[THREADS])
{
    unsigned failed = 0;

    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        failed += recordings[i].failed;
    }
    return failed;
}

TEST_FIXTURE(lines_of_many_threads_are_one_chain, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct audit *audit = audit_start(fixture->store, false);
    struct recording recordings[THREADS];
    pthread_t threads[THREADS];

    record_in_threads(audit, threads, recordings);
    assert_int_equal(join(threads, recordings), 0);
    audit_stop(audit);
    assert_whole(fixture, (uint64_t)THREADS * EACH);
}

/* As of two servers that share a store. */
TEST_FIXTURE(lines_of_two_writers_and_of_changes_are_one_chain, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store *other;
    struct audit *audit, *another;
    struct recording recordings[2][THREADS];
    pthread_t threads[2][THREADS];

    assert_ok(store_open(fixture->url, false, &fixture->keys, &other));
    audit = audit_start(fixture->store, false);
    another = audit_start(other, false);
    record_in_threads(audit, threads[0], recordings[0]);
    record_in_threads(another, threads[1], recordings[1]);
    for (unsigned i = 0; i < EACH; i++) {
        struct store_unit *unit = fixture_unit(fixture);

        assert_ok(policy_put(unit, "default", "", true, i));
        assert_ok(audit_append(unit, "change", json_object(), 5));
        assert_ok(store_commit(unit));
    }
    assert_int_equal(join(threads[0], recordings[0]), 0);
    assert_int_equal(join(threads[1], recordings[1]), 0);
    audit_stop(audit);
    audit_stop(another);
    store_close(other);
    assert_whole(fixture, (uint64_t)2 * THREADS * EACH + EACH);
}

static enum store_status put_policy(struct store_unit *unit, void *context)
{
    return policy_put(unit, context, "", false, 1);
}

static enum store_status put_policy_and_fail(struct store_unit *unit, void *context)
{
    return put_policy(unit, context) == STORE_OK ? STORE_FAILED : STORE_OK;
}

static bool has_policy(const struct fixture *fixture, const char *name)
{
    struct store_unit *unit = fixture_reading(fixture);
    char *text;
    enum store_status status = policy_text(unit, name, &text);

    store_abandon(unit);
    free(text);
    return status == STORE_OK;
}

TEST_FIXTURE(a_change_is_durable_with_its_line_or_not_at_all, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct audit *audit = audit_start(fixture->store, false);
    char one[] = "one", two[] = "two";

    assert_ok(audit_record(audit, "test", json_object(), 5, put_policy, one));
    assert_true(has_policy(fixture, "one"));
    assert_status(audit_record(audit, "test", json_object(), 5, put_policy, one), STORE_EXISTS);
    assert_status(audit_record(audit, "test", json_object(), 5, put_policy_and_fail, two),
                  STORE_FAILED);
    assert_false(has_policy(fixture, "two"));
    audit_stop(audit);
    assert_whole(fixture, 1);
}

static enum store_status refuse(struct store_unit *unit, void *context)
{
    (void)unit;
    (void)context;
    return STORE_FAILED;
}

static void *record_and_fail(void *context)
{
    struct recording *recording = context;

    for (unsigned i = 0; i < EACH; i++)
        if (audit_record(recording->audit, "test", json_object(), 5, refuse, NULL) == STORE_OK)
            recording->failed++;
    return NULL;
}

TEST_FIXTURE(a_line_that_cannot_be_written_does_not_hurt_the_others, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct audit *audit = audit_start(fixture->store, false);
    struct recording recordings[THREADS], bad = {.audit = audit};
    pthread_t threads[THREADS], bad_thread;

    assert_int_equal(pthread_create(&bad_thread, NULL, record_and_fail, &bad), 0);
    record_in_threads(audit, threads, recordings);
    assert_int_equal(join(threads, recordings), 0);
    assert_int_equal(pthread_join(bad_thread, NULL), 0);
    assert_int_equal(bad.failed, 0);
    audit_stop(audit);
    assert_whole(fixture, (uint64_t)THREADS * EACH);
}

TEST_GROUP(fixture_begin_group, fixture_end_group)
