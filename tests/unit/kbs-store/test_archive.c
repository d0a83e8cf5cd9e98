/* SPDX-License-Identifier: MIT */
/* Segments of the audit log: closed by a signed head, pruned, and what of a change to them is
 * noticed. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "kbs/audit/audit_segment.h"
#include "lib/base/hex.h"
#include "tests/unit/kbs-store/fixture.h"
#include "tests/unit/registered.h"

#define LINES 9

static struct keyring *keyring;

static int set_up(void **state)
{
    enum store_status status;
    const struct fixture *fixture;

    if (fixture_begin(state) != 0)
        return -1;
    fixture = *state;
    keyring = keyring_open(fixture->store, &status);
    return keyring && audit_segment_make_key(fixture->store, keyring, 1000) == STORE_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    if (keyring)
        keyring_close(keyring);
    return fixture_end(state);
}

/* The log has a line about the key already. */
static void append_to(const struct fixture *fixture, uint64_t last)
{
    struct store_unit *unit = fixture_unit(fixture);
    uint8_t hash[AUDIT_HASH_SIZE];
    uint64_t seq;

    assert_ok(audit_head(unit, &seq, hash));
    for (; seq < last; seq++)
        assert_ok(audit_append(unit, "test", json_object(), 1000 + (time_t)seq));
    assert_ok(store_commit(unit));
}

struct line {
    uint64_t seq;
    uint8_t hash[AUDIT_HASH_SIZE];
};

static void take_line(void *context, const struct audit_entry *entry)
{
    struct line *line = context;

    line->seq = entry->seq;
    memcpy(line->hash, entry->hash, sizeof(line->hash));
}

/* The first line from seq on; 0: there is none. */
static struct line line_from(const struct fixture *fixture, uint64_t seq)
{
    struct store_unit *unit = fixture_reading(fixture);
    struct line line = {0};

    assert_ok(audit_each(unit, seq, 1, take_line, &line));
    store_abandon(unit);
    return line;
}

typedef enum store_status act(struct store_unit *unit, struct keyring *keyring, uint64_t last,
                              const uint8_t *head, time_t now, struct audit_segment *segment);

static enum store_status do_with(const struct fixture *fixture, act *deed, uint64_t last,
                                 const uint8_t *head, struct audit_segment *segment)
{
    struct store_unit *unit = fixture_unit(fixture);
    enum store_status status = deed(unit, keyring, last, head, 5000, segment);

    if (status == STORE_OK)
        return store_commit(unit);
    store_abandon(unit);
    return status;
}

/* Closes the segment that ends with this line. */
static struct audit_segment close_at(const struct fixture *fixture, uint64_t last)
{
    struct line line = line_from(fixture, last);
    struct audit_segment segment;

    assert_int_equal(line.seq, last);
    assert_ok(do_with(fixture, audit_segment_close, last, line.hash, &segment));
    return segment;
}

static void prune(const struct fixture *fixture, const struct audit_segment *segment)
{
    struct audit_segment pruned;

    assert_ok(do_with(fixture, audit_segment_prune, segment->segment.last, segment->segment.head,
                      &pruned));
    assert_int_equal(pruned.pruned, 5000);
}

static struct audit_check verify(const struct fixture *fixture)
{
    struct store_unit *unit = fixture_reading(fixture);
    struct audit_check check;

    assert_ok(audit_verify(unit, &check));
    store_abandon(unit);
    return check;
}

static void assert_whole(const struct fixture *fixture, uint64_t archived, uint64_t entries)
{
    struct audit_check check = verify(fixture);

    if (check.problem)
        fail_msg("%d: %s", (int)check.first_bad, check.problem);
    assert_int_equal(check.archived, archived);
    assert_int_equal(check.entries, entries);
}

static void assert_bad_at(const struct fixture *fixture, uint64_t seq)
{
    struct audit_check check = verify(fixture);

    assert_non_null(check.problem);
    assert_int_equal(check.first_bad, seq);
}

static void assert_base_is_signed(const struct fixture *fixture, bool wanted)
{
    struct store_unit *unit = fixture_reading(fixture);
    const char *problem;

    assert_ok(audit_base_check(unit, keyring, &problem));
    store_abandon(unit);
    if (wanted)
        assert_null(problem);
    else
        assert_non_null(problem);
}

static int64_t rows(const struct fixture *fixture)
{
    struct db *db = fixture_raw(fixture);
    int64_t count = -1;

    assert_ok(db_ask_integer(db, "SELECT count(*) FROM audit", NULL, 0, &count));
    db_close(db);
    return count;
}

static EVP_PKEY *find(void *context, const char *kid)
{
    uint8_t id[SIGNING_KEY_ID_SIZE];

    return hex_bytes(kid, id, sizeof(id)) ? keyring_find(context, SIGNING_KEY_AUDIT, id) : NULL;
}

/* Closing */

TEST_FIXTURE(a_segment_is_closed_by_a_signed_head, set_up, tear_down)
{
    const struct fixture *fixture = *state;
    const uint8_t zeros[AUDIT_HASH_SIZE] = {0};
    struct audit_segment segment;
    struct statement statement;

    append_to(fixture, LINES);
    segment = close_at(fixture, 4);
    assert_int_equal(statement_read(segment.statement, find, keyring, &statement), JWT_OK);
    assert_true(statement_is_about(&statement, &segment.segment));
    assert_int_equal(statement.kind, STATEMENT_CLOSED);
    assert_int_equal(statement.first, 1);
    assert_int_equal(statement.last, 4);
    assert_int_equal(statement.time, 5000);
    assert_memory_equal(statement.before, zeros, sizeof(zeros));
    assert_memory_equal(statement.head, line_from(fixture, 4).hash, AUDIT_HASH_SIZE);
    assert_whole(fixture, 0, LINES);
}

TEST_FIXTURE(a_segment_begins_where_the_one_before_ends, set_up, tear_down)
{
    const struct fixture *fixture = *state;
    struct audit_segment first, second;

    append_to(fixture, LINES);
    first = close_at(fixture, 4);
    second = close_at(fixture, 6);
    assert_int_equal(second.segment.first, 5);
    assert_memory_equal(second.segment.before, first.segment.head, AUDIT_HASH_SIZE);
}

TEST_FIXTURE(only_the_hash_of_that_line_is_signed, set_up, tear_down)
{
    const struct fixture *fixture = *state;
    struct line other = line_from(fixture, 1);
    struct audit_segment segment;

    append_to(fixture, LINES);
    assert_status(do_with(fixture, audit_segment_close, 4, other.hash, &segment), STORE_NOT_FOUND);
    assert_status(do_with(fixture, audit_segment_close, LINES + 1, other.hash, &segment),
                  STORE_NOT_FOUND);
    segment = close_at(fixture, 4);
    assert_status(do_with(fixture, audit_segment_close, 4, segment.segment.head, &segment),
                  STORE_EXISTS);
    assert_status(do_with(fixture, audit_segment_close, 3, line_from(fixture, 3).hash, &segment),
                  STORE_EXISTS);
}

#define OWNERS 4

struct owner {
    const struct fixture *fixture;
    struct line line;
    act *act;
    enum store_status status;
};

static void *act_as_owner(void *context)
{
    struct owner *owner = context;
    struct audit_segment segment;

    do
        owner->status =
            do_with(owner->fixture, owner->act, owner->line.seq, owner->line.hash, &segment);
    while (owner->status == STORE_CONFLICT);
    return NULL;
}

/* Fails the test unless one of many owners does it, and the others are told so. */
static void expect_one(const struct fixture *fixture, act *act, uint64_t last,
                       enum store_status otherwise)
{
    struct line line = line_from(fixture, last); /* before the first of them prunes it */
    struct owner owners[OWNERS];
    pthread_t threads[OWNERS];
    unsigned done = 0;

    for (unsigned i = 0; i < OWNERS; i++) {
        owners[i] = (struct owner){.fixture = fixture, .line = line, .act = act};
        assert_int_equal(pthread_create(&threads[i], NULL, act_as_owner, &owners[i]), 0);
    }
    for (unsigned i = 0; i < OWNERS; i++) {
        pthread_join(threads[i], NULL);
        if (owners[i].status == STORE_OK)
            done++;
        else
            assert_status(owners[i].status, otherwise);
    }
    assert_int_equal(done, 1);
}

TEST_FIXTURE(of_owners_who_archive_at_once_one_does, set_up, tear_down)
{
    const struct fixture *fixture = *state;

    append_to(fixture, LINES);
    expect_one(fixture, audit_segment_close, 4, STORE_EXISTS);
    expect_one(fixture, audit_segment_prune, 4, STORE_RETIRED);
    assert_whole(fixture, 4, LINES - 4);
}

static uint64_t candidate(const struct fixture *fixture, time_t until)
{
    struct store_unit *unit = fixture_reading(fixture);
    uint64_t last;

    assert_ok(audit_segment_candidate(unit, until, &last));
    store_abandon(unit);
    return last;
}

/* The line of that number is of the second 1000 + number - 1. */
TEST_FIXTURE(lines_are_archived_by_their_age, set_up, tear_down)
{
    const struct fixture *fixture = *state;

    append_to(fixture, 100);
    assert_int_equal(candidate(fixture, 999), 0);
    for (uint64_t line = 1; line <= 100; line++)
        assert_int_equal(candidate(fixture, 999 + (time_t)line), line);
    assert_int_equal(candidate(fixture, 9999), 100);
    close_at(fixture, 60);
    assert_int_equal(candidate(fixture, 1059), 0);
    assert_int_equal(candidate(fixture, 1060), 61);
}

/* Pruning */

TEST_FIXTURE(the_log_begins_behind_what_was_pruned, set_up, tear_down)
{
    const struct fixture *fixture = *state;
    struct audit_segment segment;

    append_to(fixture, LINES);
    segment = close_at(fixture, 4);
    prune(fixture, &segment);
    assert_int_equal(line_from(fixture, 0).seq, 5);
    assert_int_equal(line_from(fixture, 4).seq, 5);
    assert_int_equal(line_from(fixture, 6).seq, 6);
    assert_whole(fixture, 4, LINES - 4);
    assert_base_is_signed(fixture, true);
    append_to(fixture, LINES + 3);
    assert_whole(fixture, 4, LINES + 3 - 4);
}

TEST_FIXTURE(pruning_takes_the_head_and_the_oldest_segment_first, set_up, tear_down)
{
    const struct fixture *fixture = *state;
    struct audit_segment first, second, unused;

    append_to(fixture, LINES);
    first = close_at(fixture, 4);
    second = close_at(fixture, 6);
    assert_status(do_with(fixture, audit_segment_prune, 4, second.segment.head, &unused),
                  STORE_NOT_FOUND);
    assert_status(do_with(fixture, audit_segment_prune, 5, first.segment.head, &unused),
                  STORE_NOT_FOUND);
    assert_status(do_with(fixture, audit_segment_prune, 6, second.segment.head, &unused),
                  STORE_IN_USE);
    assert_whole(fixture, 0, LINES);
    prune(fixture, &first);
    assert_status(do_with(fixture, audit_segment_prune, 4, first.segment.head, &unused),
                  STORE_RETIRED);
    prune(fixture, &second);
    assert_whole(fixture, 6, LINES - 6);
}

TEST_FIXTURE(all_of_the_log_can_be_archived, set_up, tear_down)
{
    const struct fixture *fixture = *state;
    struct audit_segment segment;
    struct store_unit *unit;
    uint64_t count;

    append_to(fixture, LINES);
    segment = close_at(fixture, LINES);
    prune(fixture, &segment);
    unit = fixture_unit(fixture);
    assert_ok(audit_remove_pruned(unit, 100, &count));
    assert_ok(store_commit(unit));
    assert_int_equal(count, LINES);
    assert_whole(fixture, LINES, 0);
    append_to(fixture, LINES + 1);
    assert_whole(fixture, LINES, 1);
}

/* As when the server ends right after it said that a segment is pruned. */
TEST_FIXTURE(what_was_pruned_is_removed_some_at_a_time, set_up, tear_down)
{
    struct fixture *fixture = *state;
    struct audit_segment segment;

    append_to(fixture, LINES);
    segment = close_at(fixture, 5);
    prune(fixture, &segment);
    keyring_close(keyring); /* before its store */
    keyring = NULL;
    for (int64_t left = LINES; left >= LINES - 5; left -= 2) {
        int64_t expected = left < LINES - 5 ? LINES - 5 : left;
        struct store_unit *unit;
        uint64_t count;

        fixture_reopen(fixture);
        assert_int_equal(rows(fixture), expected);
        assert_whole(fixture, 5, LINES - 5);
        assert_int_equal(line_from(fixture, 0).seq, 6);
        unit = fixture_unit(fixture);
        assert_ok(audit_remove_pruned(unit, 2, &count));
        assert_ok(store_commit(unit));
    }
    assert_int_equal(rows(fixture), LINES - 5);
    assert_whole(fixture, 5, LINES - 5);
}

/* Between any two steps of a verification. */
TEST_FIXTURE(a_verification_goes_on_behind_what_is_pruned_meanwhile, set_up, tear_down)
{
    const struct fixture *fixture = *state;
    struct audit_segment first, second;
    struct audit_check check = {0};
    bool ended = false;

    append_to(fixture, LINES);
    first = close_at(fixture, 3);
    second = close_at(fixture, 7);
    for (unsigned step = 0; !ended; step++) {
        struct store_unit *unit = fixture_unit(fixture);
        uint64_t count;

        assert_ok(audit_verify_step(unit, &check, 2, &ended));
        assert_ok(audit_remove_pruned(unit, 100, &count));
        assert_ok(store_commit(unit));
        assert_null(check.problem);
        if (step == 0)
            prune(fixture, &first);
        if (step == 1)
            prune(fixture, &second);
    }
    assert_int_equal(check.archived, 7);
    assert_int_equal(check.entries, LINES - 7);
    assert_memory_equal(check.head, line_from(fixture, LINES).hash, AUDIT_HASH_SIZE);
}

/* Who has the database */

TEST_FIXTURE(lines_that_are_removed_without_an_owner_are_missed, set_up, tear_down)
{
    const struct fixture *fixture = *state;

    append_to(fixture, LINES);
    close_at(fixture, 4);
    fixture_sql(fixture, "UPDATE audit_segment SET pruned = 1; DELETE FROM audit WHERE seq <= 4");
    assert_base_is_signed(fixture, false);
    /* With the statement that closed it, which is genuine, as if it were about the pruning. */
    fixture_sql(fixture, "UPDATE audit_segment SET receipt = statement");
    assert_base_is_signed(fixture, false);
}

TEST_FIXTURE(another_head_is_not_what_was_signed, set_up, tear_down)
{
    const struct fixture *fixture = *state;
    struct audit_segment first, second;

    append_to(fixture, LINES);
    first = close_at(fixture, 4);
    second = close_at(fixture, 6);
    prune(fixture, &first);
    prune(fixture, &second);
    assert_base_is_signed(fixture, true);
    fixture_sql(fixture, "UPDATE audit_segment SET head = (SELECT hash FROM audit WHERE seq = 7) "
                         "WHERE last_seq = 6");
    assert_base_is_signed(fixture, false);
    assert_bad_at(fixture, 7);
}

/* Deleting the newest segment brings back an older one, which was signed. */
TEST_FIXTURE(an_older_segment_in_place_of_the_last_is_missed, set_up, tear_down)
{
    const struct fixture *fixture = *state;
    struct audit_segment first, second;

    append_to(fixture, LINES);
    first = close_at(fixture, 4);
    prune(fixture, &first);
    second = close_at(fixture, 6);
    prune(fixture, &second);
    fixture_sql(fixture, "DELETE FROM audit WHERE seq <= 6");
    assert_whole(fixture, 6, LINES - 6);
    fixture_sql(fixture, "DELETE FROM audit_segment WHERE last_seq = 6");
    assert_bad_at(fixture, 5);
    fixture_sql(fixture, "DELETE FROM audit_segment");
    assert_bad_at(fixture, 1);
}

TEST_FIXTURE(lines_in_place_of_pruned_ones_are_not_shown, set_up, tear_down)
{
    const struct fixture *fixture = *state;
    struct audit_segment segment;

    append_to(fixture, LINES);
    segment = close_at(fixture, 4);
    prune(fixture, &segment);
    fixture_sql(fixture, "UPDATE audit SET line = 'forged' WHERE seq <= 4");
    assert_int_equal(line_from(fixture, 1).seq, 5);
    assert_whole(fixture, 4, LINES - 4);
}

/* Keys */

static bool is_needed(const struct fixture *fixture, const uint8_t id[SIGNING_KEY_ID_SIZE])
{
    struct store_unit *unit = fixture_reading(fixture);
    enum store_status status = audit_key_is_needed(unit, id);

    store_abandon(unit);
    return status == STORE_OK;
}

TEST_FIXTURE(a_key_is_made_once_with_a_line, set_up, tear_down)
{
    const struct fixture *fixture = *state;
    uint8_t first[SIGNING_KEY_ID_SIZE], second[SIGNING_KEY_ID_SIZE];

    EVP_PKEY_free(keyring_active(keyring, SIGNING_KEY_AUDIT, first));
    assert_int_equal(line_from(fixture, 1).seq, 1);
    assert_ok(audit_segment_make_key(fixture->store, keyring, 2000));
    EVP_PKEY_free(keyring_active(keyring, SIGNING_KEY_AUDIT, second));
    assert_memory_equal(first, second, sizeof(first));
    assert_whole(fixture, 0, 1);
}

TEST_FIXTURE(a_key_is_needed_as_long_as_the_log_begins_with_what_it_signed, set_up, tear_down)
{
    const struct fixture *fixture = *state;
    struct audit_segment first, second;
    uint8_t newer[SIGNING_KEY_ID_SIZE];
    struct store_unit *unit;

    append_to(fixture, LINES);
    first = close_at(fixture, 4);
    assert_true(is_needed(fixture, first.signer));
    unit = fixture_unit(fixture);
    assert_ok(keyring_generate(unit, SIGNING_KEY_AUDIT, 2000, newer));
    assert_ok(store_commit(unit));
    keyring_invalidate(keyring);
    assert_false(is_needed(fixture, newer));
    prune(fixture, &first);
    assert_true(is_needed(fixture, newer));
    assert_false(is_needed(fixture, first.signer));
    second = close_at(fixture, 6);
    assert_memory_equal(second.signer, newer, sizeof(newer));
    prune(fixture, &second);
    assert_base_is_signed(fixture, true);
}

TEST_GROUP(fixture_begin_group, fixture_end_group)
