/* SPDX-License-Identifier: MIT */
/* What only PostgreSQL's store has: a server, which can be away or come back. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kbs/audit/audit.h"
#include "kbs/store/policies.h"
#include "tests/unit/kbs-store/fixture.h"
#include "tests/unit/kbs-store/relay.h"
#include "tests/unit/registered.h"

TEST_FIXTURE(a_server_that_is_away_is_unavailable, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    struct store *store;

    assert_status(
        store_open("postgresql://kbs:hunter2@/kbs?host=/nonexistent", true, &fixture->keys, &store),
        STORE_UNAVAILABLE);
    assert_non_null(strstr(store_reason(store, STORE_UNAVAILABLE), "/nonexistent"));
    assert_null(strstr(store_reason(store, STORE_UNAVAILABLE), "hunter2"));
    store_close(store);
}

TEST_FIXTURE(a_database_that_is_not_there_is_named, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    char url[PATH_MAX];
    struct store *store;

    snprintf(url, sizeof(url), "postgresql://kbs@/nobodys?host=%s",
             getenv("SNP_VTPM_TEST_POSTGRES_HOST"));
    assert_status(store_open(url, true, &fixture->keys, &store), STORE_NO_DATABASE);
    assert_non_null(strstr(store_reason(store, STORE_NO_DATABASE), "nobodys"));
    store_close(store);
}

TEST_FIXTURE(an_empty_database_is_only_filled_when_wanted, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    char url[PATH_MAX + 64];
    struct store *store;

    fixture_new_url(url, sizeof(url));
    assert_status(store_open(url, false, &fixture->keys, &store), STORE_NO_DATABASE);
    store_close(store);
    assert_ok(store_open(url, true, &fixture->keys, &store));
    store_close(store);
    assert_ok(store_open(url, false, &fixture->keys, &store));
    store_close(store);
}

TEST_FIXTURE(a_newer_version_is_refused, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    struct store *store;

    fixture_sql(fixture, "UPDATE schema_version SET version = 99");
    assert_status(store_open(fixture->url, true, &fixture->keys, &store), STORE_NEWER_VERSION);
    store_close(store);
}

/* A password with such characters, not encoded, is taken for another part of the URL. */
TEST_FIXTURE(a_password_is_never_shown, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    static const char *const urls[] = {
        "postgresql://kbs:hunter2/x@localhost:1/kbs", "postgresql://kbs:12/hunter2@localhost/kbs",
        "postgresql://kbs:#hunter2@localhost/kbs",    "postgresql://kbs:a@hunter2@localhost/kbs",
        "postgresql://kbs:%zzhunter2@localhost/kbs",  "postgresql://kbs:hunter2@localhost:1/kbs",
        "postgresql://kbs:[hunter2@localhost/kbs",    "postgresql://kbs:a?hunter2@localhost/kbs",
    };

    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct store *store;
        enum store_status status = store_open(urls[i], true, &fixture->keys, &store);
        const char *reason = store_reason(store, status);

        assert_int_not_equal(status, STORE_OK);
        if (strstr(reason, "hunter2"))
            fail_msg("%s: %s", urls[i], reason);
        store_close(store);
    }
}

static void assert_level(struct store_unit *unit, const char *level)
{
    struct db_value wanted = db_text(level);
    int64_t same = 0;

    assert_ok(db_ask_integer(unit->db,
                             "SELECT count(*) WHERE current_setting('transaction_isolation') = $1",
                             &wanted, 1, &same));
    if (!same)
        fail_msg("expected the isolation level %s", level);
    store_abandon(unit);
}

TEST_FIXTURE(what_transactions_are_by_default_does_not_matter, fixture_begin, fixture_end)
{
    static const char *const defaults[] = {
        "default_transaction_isolation%3Dread%5C%20uncommitted",
        "default_transaction_isolation%3Drepeatable%5C%20read",
        "default_transaction_isolation%3Dserializable",
        "default_transaction_read_only%3Don",
    };
    const struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
        char url[PATH_MAX + 256];
        struct store_unit *unit;
        struct store *store;

        snprintf(url, sizeof(url), "%s%%20-c%s", fixture->url, defaults[i]);
        assert_ok(store_open(url, false, &fixture->keys, &store));
        assert_ok(store_begin(store, &unit));
        assert_level(unit, "read committed");
        assert_ok(store_begin_sessions(store, &unit));
        assert_level(unit, "read committed");
        assert_ok(store_begin_reading(store, &unit));
        assert_level(unit, "repeatable read");
        assert_ok(store_begin(store, &unit));
        assert_ok(policy_put(unit, "default", "", true, 1));
        assert_ok(store_commit(unit));
        store_close(store);
    }
}

/* What an administrator or a restart of the server does to all connections. */
static void end_connections(const struct fixture *fixture)
{
    struct db *db = fixture_raw(fixture);

    assert_ok(db_script(db,
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        "  WHERE application_name = 'snp-vtpm kbs' AND pid <> pg_backend_pid()"));
    db_close(db);
}

TEST_FIXTURE(connections_that_broke_are_replaced, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *units[3], *broken;
    struct image image;

    for (unsigned i = 0; i < 3; i++)
        units[i] = fixture_reading(fixture);
    for (unsigned i = 0; i < 3; i++)
        store_abandon(units[i]);
    broken = fixture_unit(fixture);
    end_connections(fixture);
    assert_status(image_by_name(broken, "x", &image), STORE_UNAVAILABLE);
    store_abandon(broken);
    fixture_add_image(fixture, "svsm-1", 0xaa);
    assert_ok(store_ping(fixture->store));
}

TEST_FIXTURE(a_commit_on_a_broken_connection_is_not_acknowledged, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);
    char *text;

    assert_ok(policy_put(unit, "default", "", false, 1));
    end_connections(fixture);
    assert_status(store_commit(unit), STORE_UNAVAILABLE);
    unit = fixture_reading(fixture);
    assert_status(policy_text(unit, "default", &text), STORE_NOT_FOUND);
    store_abandon(unit);
}

TEST_FIXTURE(a_commit_after_a_failed_statement_is_not_acknowledged, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit;

    fixture_add_policy(fixture, "default");
    unit = fixture_unit(fixture);
    assert_ok(policy_put(unit, "other", "", false, 1));
    assert_status(policy_put(unit, "default", "", false, 1), STORE_EXISTS);
    assert_int_not_equal(store_commit(unit), STORE_OK);
    assert_ok(store_ping(fixture->store));
}

#define THREADS 8
#define EACH    40

struct recording {
    struct audit *audit;
    unsigned number;
    bool acknowledged[EACH];
};

static void *record_many(void *context)
{
    struct recording *recording = context;

    for (unsigned i = 0; i < EACH; i++)
        recording->acknowledged[i] =
            audit_record(recording->audit, "test",
                         json_pack("{s:i, s:i}", "thread", (int)recording->number, "n", (int)i), 5,
                         NULL, NULL) == STORE_OK;
    return NULL;
}

struct seen {
    unsigned times[THREADS][EACH];
};

static void see(void *context, const struct audit_entry *entry)
{
    struct seen *seen = context;
    json_t *line = json_loads(entry->line, 0, NULL);

    seen->times[json_integer_value(json_object_get(line, "thread"))]
               [json_integer_value(json_object_get(line, "n"))]++;
    json_decref(line);
}

TEST_FIXTURE(no_line_is_lost_or_written_twice_when_connections_break, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct audit *audit = audit_start(fixture->store, false);
    struct recording recordings[THREADS];
    pthread_t threads[THREADS];
    struct seen seen = {0};
    struct audit_check check;
    struct store_unit *unit;

    for (unsigned i = 0; i < THREADS; i++) {
        recordings[i] = (struct recording){.audit = audit, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, record_many, &recordings[i]), 0);
    }
    for (unsigned i = 0; i < 15; i++)
        end_connections(fixture);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    audit_stop(audit);
    unit = fixture_reading(fixture);
    assert_ok(audit_verify(unit, &check));
    assert_null(check.problem);
    assert_ok(audit_each(unit, 0, 0, see, &seen));
    store_abandon(unit);
    for (unsigned i = 0; i < THREADS; i++)
        for (unsigned n = 0; n < EACH; n++) {
            assert_true(seen.times[i][n] <= 1);
            if (recordings[i].acknowledged[n])
                assert_int_equal(seen.times[i][n], 1);
        }
}

/* The store of the fixture, through a relay. */
static struct store *open_through_relay(const struct fixture *fixture)
{
    const char *server = getenv("SNP_VTPM_TEST_POSTGRES_HOST");
    char url[PATH_MAX * 2], folder[PATH_MAX];
    struct store *store;

    fixture_path("relay", folder);
    if (mkdir(folder, 0700) == 0)
        relay_start(folder, server);
    snprintf(url, sizeof(url), "postgresql://kbs@/kbs?host=%s%s", folder,
             strstr(fixture->url, "&options="));
    assert_ok(store_open(url, false, &fixture->keys, &store));
    return store;
}

static enum store_status put_policy(struct store_unit *unit, void *context)
{
    return policy_put(unit, context, "", false, 1);
}

TEST_FIXTURE(a_line_whose_commit_is_in_doubt_is_written_once, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    struct store *store = open_through_relay(fixture);
    struct audit *audit = audit_start(store, false);
    char name[] = "with-the-line";
    struct store_unit *unit;
    struct audit_check check;

    relay_lose_next_commit();
    assert_ok(audit_record(audit, "test", json_object(), 5, put_policy, name));
    assert_true(relay_lost());
    audit_stop(audit);
    store_close(store);
    unit = fixture_reading(fixture);
    assert_ok(audit_verify(unit, &check));
    store_abandon(unit);
    assert_null(check.problem);
    assert_int_equal(check.entries, 1);
}

TEST_FIXTURE(a_commit_in_doubt_is_not_acknowledged, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    struct store *store = open_through_relay(fixture);
    struct store_unit *unit;

    assert_ok(store_begin(store, &unit));
    assert_ok(policy_put(unit, "default", "", false, 1));
    relay_lose_next_commit();
    assert_status(store_commit(unit), STORE_UNAVAILABLE);
    assert_true(relay_lost());
    assert_ok(store_ping(store));
    store_close(store);
}

TEST_GROUP(fixture_begin_group, fixture_end_group)
