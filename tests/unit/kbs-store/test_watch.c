/* SPDX-License-Identifier: MIT */
/* The watch over the audit log: what it knows without reading all, and what it notices. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/audit/audit_segment.h"
#include "kbs/audit/audit_watch.h"
#include "kbs/metrics.h"
#include "tests/unit/kbs-store/fixture.h"
#include "tests/unit/registered.h"

#define LINES  2500 /* more than are verified at once, or for who asks */
#define WAIT_S 60

/* Who wants to read the store has to pass; a test that holds it holds up all others. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

/* The linker's names */
enum store_status
real_begin_reading(struct store *store,
                   struct store_unit **unit) __asm__("__real_store_begin_reading");
enum store_status
wrap_begin_reading(struct store *store,
                   struct store_unit **unit) __asm__("__wrap_store_begin_reading");

enum store_status wrap_begin_reading(struct store *store, struct store_unit **unit)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return real_begin_reading(store, unit);
}

static struct keyring *keyring;
static struct audit_watch *watch;

static void start_watch(const struct fixture *fixture)
{
    enum store_status status;

    keyring = keyring_open(fixture->store, &status);
    assert_non_null(keyring);
    watch = audit_watch_start(fixture->store, keyring, 3600);
    assert_non_null(watch);
}

static void stop_watch(void)
{
    audit_watch_stop(watch);
    keyring_close(keyring);
}

static int set_up(void **state)
{
    if (fixture_begin(state) != 0)
        return -1;
    start_watch(*state);
    return 0;
}

static int tear_down(void **state)
{
    stop_watch();
    return fixture_end(state);
}

/* Appends lines and changes something, so that the watch sees both or neither. */
static void append_and(const struct fixture *fixture, unsigned count, const char *sql)
{
    struct store_unit *unit = fixture_unit(fixture);

    for (unsigned i = 0; i < count; i++)
        assert_ok(audit_append(unit, "test", json_object(), 1000));
    assert_ok(db_script(unit->db, sql));
    assert_ok(store_commit(unit));
}

static void append(const struct fixture *fixture, unsigned count)
{
    append_and(fixture, count, "SELECT 1");
}

static struct audit_state look(const struct fixture *fixture)
{
    struct store_unit *unit = fixture_reading(fixture);
    struct audit_state state;

    assert_ok(audit_watch_look(watch, unit, &state));
    store_abandon(unit);
    return state;
}

static void verify(void)
{
    assert_true(audit_watch_verify(watch, WAIT_S));
}

static void assert_whole(const struct fixture *fixture, uint64_t archived, uint64_t last)
{
    struct audit_state state = look(fixture);

    if (state.problem)
        fail_msg("%d: %s", (int)state.first_bad, state.problem);
    assert_int_equal(state.archived, archived);
    assert_int_equal(state.last, last);
    assert_int_equal(state.line, last);
    assert_true(state.whole > 0);
    assert_true(state.seen >= state.whole);
}

static void assert_bad(const struct fixture *fixture, uint64_t first_bad)
{
    struct audit_state state = look(fixture);

    assert_non_null(state.problem);
    assert_int_equal(state.first_bad, first_bad);
}

TEST_FIXTURE(an_empty_log_is_whole, set_up, tear_down)
{
    verify();
    assert_whole(*state, 0, 0);
}

TEST_FIXTURE(a_log_that_was_there_is_verified_from_its_beginning, set_up, tear_down)
{
    append(*state, LINES);
    stop_watch();
    start_watch(*state);
    verify();
    assert_whole(*state, 0, LINES);
}

/* Who asks waits for no more than some lines, and is told how far it is. */
TEST_FIXTURE(what_is_known_grows_with_each_who_asks, set_up, tear_down)
{
    struct audit_state first;

    verify();
    append(*state, LINES);
    first = look(*state);
    assert_null(first.problem);
    assert_int_equal(first.last, LINES);
    assert_true(first.line >= 1000);
    for (unsigned i = 0; i < LINES / 1000; i++)
        look(*state);
    assert_whole(*state, 0, LINES);
}

TEST_FIXTURE(a_new_line_that_does_not_follow_is_noticed_by_who_asks, set_up, tear_down)
{
    append(*state, 5);
    assert_int_equal(look(*state).line, 5);
    append_and(*state, 5, "UPDATE audit SET line = line || ' ' WHERE seq = 8");
    assert_bad(*state, 8);
    assert_int_equal(look(*state).line, 7);
    fixture_sql(*state, "UPDATE audit SET line = substr(line, 1, length(line) - 1) WHERE seq = 8");
    assert_whole(*state, 0, 10);
}

TEST_FIXTURE(an_old_line_that_was_changed_is_found_when_all_is_verified, set_up, tear_down)
{
    uint64_t broken = metric_get(METRIC_AUDIT_BROKEN);

    append(*state, LINES);
    verify();
    assert_whole(*state, 0, LINES);
    fixture_sql(*state, "UPDATE audit SET line = line || ' ' WHERE seq = 3");
    verify();
    assert_bad(*state, 3);
    assert_true(metric_get(METRIC_AUDIT_BROKEN) > broken);
    fixture_sql(*state, "UPDATE audit SET line = substr(line, 1, length(line) - 1) WHERE seq = 3");
    verify();
    assert_whole(*state, 0, LINES);
}

/* Its hashes fit: without the watch's memory nothing would be wrong with it. */
TEST_FIXTURE(a_log_that_was_written_anew_is_noticed_at_once, set_up, tear_down)
{
    struct store_unit *unit;
    struct audit_check check;

    append(*state, 5);
    assert_int_equal(look(*state).line, 5);
    fixture_sql(*state, "DELETE FROM audit; DELETE FROM audit_head");
    unit = fixture_unit(*state);
    for (unsigned i = 0; i < 8; i++)
        assert_ok(audit_append(unit, "forged", json_object(), 1000));
    assert_ok(store_commit(unit));
    unit = fixture_reading(*state);
    assert_ok(audit_verify(unit, &check));
    assert_null(check.problem);
    store_abandon(unit);
    assert_bad(*state, 5);
    verify();
    assert_bad(*state, 5);
}

TEST_FIXTURE(a_log_that_was_cut_is_noticed_at_once, set_up, tear_down)
{
    append(*state, 5);
    assert_int_equal(look(*state).line, 5);
    fixture_sql(*state, "DELETE FROM audit WHERE seq > 3;"
                        "UPDATE audit_head SET seq = 3, "
                        "hash = (SELECT hash FROM audit WHERE seq = 3)");
    assert_bad(*state, 5);
}

/* Closes and prunes all that the log has; gives the number of its last line. */
static uint64_t archive_all(const struct fixture *fixture)
{
    struct audit_segment segment;
    struct store_unit *unit;
    struct audit_tail end;

    assert_ok(audit_segment_make_key(fixture->store, keyring, 1000));
    unit = fixture_unit(fixture);
    assert_ok(audit_head(unit, &end.seq, end.hash));
    assert_ok(audit_segment_close(unit, keyring, end.seq, end.hash, 2000, &segment));
    assert_ok(audit_segment_prune(unit, keyring, end.seq, end.hash, 2000, &segment));
    assert_ok(store_commit(unit));
    return end.seq;
}

static int64_t rows(const struct fixture *fixture)
{
    struct db *db = fixture_raw(fixture);
    int64_t count = -1;

    assert_ok(db_ask_integer(db, "SELECT count(*) FROM audit", NULL, 0, &count));
    db_close(db);
    return count;
}

TEST_FIXTURE(pruned_lines_are_removed_in_the_background, set_up, tear_down)
{
    uint64_t last;

    append(*state, LINES);
    last = archive_all(*state);
    assert_whole(*state, last, last);
    audit_watch_pruned(watch);
    verify(); /* which comes after it */
    assert_int_equal(rows(*state), 0);
    append(*state, 5);
    assert_whole(*state, last, last + 5);
}

TEST_FIXTURE(lines_that_were_pruned_before_are_removed_when_the_server_starts, set_up, tear_down)
{
    uint64_t last;

    append(*state, LINES);
    verify(); /* so that it has removed what there was, and waits */
    last = archive_all(*state);
    stop_watch();
    assert_true(rows(*state) > 0);
    start_watch(*state);
    verify();
    assert_int_equal(rows(*state), 0);
    assert_whole(*state, last, last);
}

TEST_FIXTURE(a_pruning_that_nobody_signed_is_noticed_at_once, set_up, tear_down)
{
    uint64_t last;

    append(*state, 5);
    last = archive_all(*state);
    append(*state, 1);
    assert_whole(*state, last, last + 1);
    fixture_sql(*state, "UPDATE audit_segment SET receipt = statement");
    assert_bad(*state, last);
}

/* Another server that shares the store, and knew neither the key nor the segment. */
TEST_FIXTURE(what_another_server_archives_is_no_gap, set_up, tear_down)
{
    const struct fixture *fixture = *state;
    struct keyring *own_keyring = keyring;
    struct audit_watch *own_watch = watch;
    struct fixture other = *fixture;
    uint64_t last;

    append(*state, 5);
    assert_whole(*state, 0, 5);
    assert_ok(store_open(fixture->url, false, &fixture->keys, &other.store));
    start_watch(&other);
    last = archive_all(&other);
    audit_watch_pruned(watch);
    verify();
    assert_whole(&other, last, last);
    stop_watch();
    store_close(other.store);
    keyring = own_keyring;
    watch = own_watch;
    append(*state, 1);
    assert_whole(*state, last, last + 1);
    verify();
    assert_whole(*state, last, last + 1);
}

TEST_FIXTURE(who_waits_for_a_verification_does_not_wait_for_ever, set_up, tear_down)
{
    bool done;

    pthread_mutex_lock(&gate);
    done = audit_watch_verify(watch, 0);
    pthread_mutex_unlock(&gate);
    assert_false(done);
    verify();
}

TEST_GROUP(fixture_begin_group, fixture_end_group)
