/* SPDX-License-Identifier: MIT */
/* Sessions in memory or, beside a PostgreSQL server, in a store that servers share. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "kbs/protocol/session.h"
#include "tests/unit/kbs-protocol/world.h"
#include "tests/unit/kbs-store/fixture.h"
#include "tests/unit/registered.h"

#define CAPACITY 16
#define THREADS  8
#define ROUNDS   60

static struct sessions *sessions;
static struct store *store;
static const struct session_nonce nonce = {.bytes = "nonce", .size = 5};

static int set_up(void **state)
{
    const struct fixture *fixture;

    if (fixture_begin(state) != 0)
        return -1;
    fixture = *state;
    store = fixture->store;
    sessions = sessions_new(CAPACITY, store);
    return sessions ? 0 : -1;
}

static int tear_down(void **state)
{
    sessions_free(sessions);
    return fixture_end(state);
}

struct id {
    char text[SESSION_ID_LENGTH + 1];
};

static struct id open_at(time_t now)
{
    struct id id = {""};

    assert_int_equal(sessions_open(sessions, &nonce, now, id.text), SESSION_OK);
    return id;
}

static enum session_status spend(const char *id, time_t now)
{
    struct session_nonce spent;
    enum session_status status = sessions_spend(sessions, id, now, &spent);

    if (status == SESSION_OK) {
        assert_int_equal(spent.size, nonce.size);
        assert_memory_equal(spent.bytes, nonce.bytes, nonce.size);
    }
    return status;
}

/* A grant that is told from others by its key's version. */
static struct grant make_grant(unsigned version)
{
    return (struct grant){
        .dialect = DIALECT_SIGNED,
        .attested = {.genuine = true,
                     .bound = true,
                     .platform = PLATFORM_EMULATED,
                     .product = PRODUCT_GENOA,
                     .csp_id = "somebody",
                     .report = {.version = 5}},
        .key = {.kind = JWK_P521, .first_size = 66, .second_size = 66, .first = "x", .second = "y"},
        .has_key = true,
        .volume = "a volume",
        .key_version = version,
        .reply = (char *)"{}",
        .reply_size = 2,
    };
}

struct granting {
    const char *id;
    const struct grant *grant;
    enum session_status status;
};

static enum store_status store_grant(struct store_unit *unit, void *context)
{
    struct granting *granting = context;

    return sessions_store_grant(sessions, unit, granting->id, granting->grant, &granting->status);
}

static enum session_status give(const char *id, time_t now, const struct grant *grant)
{
    struct granting granting = {.id = id, .grant = grant};

    if (store_change(store, store_grant, &granting) != STORE_OK)
        return SESSION_FAILED;
    return granting.status == SESSION_OK ? sessions_keep_grant(sessions, id, now, grant)
                                         : granting.status;
}

static enum session_status grant(const char *id, time_t now, unsigned version)
{
    struct grant granted = make_grant(version);

    return give(id, now, &granted);
}

/* The version of the grant, or 0. */
static unsigned find(const char *id, time_t now)
{
    struct grant found;
    unsigned version = 0;

    if (sessions_find(sessions, id, now, &found) == SESSION_OK) {
        version = found.key_version;
        grant_free(&found);
    }
    return version;
}

TEST_FIXTURE(a_nonce_is_spent_once, set_up, tear_down)
{
    struct id id = open_at(100);

    assert_int_equal(spend(id.text, 100), SESSION_OK);
    assert_int_equal(spend(id.text, 100), SESSION_SPENT);
}

TEST_FIXTURE(a_nonce_serves_for_two_minutes, set_up, tear_down)
{
    struct id young = open_at(100), old = open_at(100);

    assert_int_equal(spend(young.text, 100 + SESSION_NONCE_LIFETIME - 1), SESSION_OK);
    assert_int_equal(spend(old.text, 100 + SESSION_NONCE_LIFETIME), SESSION_UNKNOWN);
}

TEST_FIXTURE(what_is_granted_lasts_as_long_as_the_session, set_up, tear_down)
{
    struct id id = open_at(100);

    assert_int_equal(find(id.text, 100), 0);
    assert_int_equal(grant(id.text, 100, 7), SESSION_UNKNOWN); /* not before the nonce is spent */
    assert_int_equal(spend(id.text, 100), SESSION_OK);
    assert_int_equal(grant(id.text, 200, 7), SESSION_OK);
    assert_int_equal(grant(id.text, 200, 8), SESSION_UNKNOWN); /* nor twice */
    assert_int_equal(find(id.text, 100 + SESSION_LIFETIME - 1), 7);
    assert_int_equal(find(id.text, 100 + SESSION_LIFETIME), 0);
}

TEST_FIXTURE(a_grant_is_found_as_it_was_given, set_up, tear_down)
{
    struct id id = open_at(100);
    struct grant given = make_grant(3), found;

    assert_int_equal(spend(id.text, 100), SESSION_OK);
    given.has_signer = true;
    given.signer_use = SIGNING_KEY_TOKEN;
    memset(given.signer, 0x5a, sizeof(given.signer));
    assert_int_equal(give(id.text, 100, &given), SESSION_OK);
    assert_int_equal(sessions_find(sessions, id.text, 100, &found), SESSION_OK);
    assert_int_equal(found.dialect, given.dialect);
    assert_true(found.has_signer);
    assert_int_equal(found.signer_use, SIGNING_KEY_TOKEN);
    assert_memory_equal(found.signer, given.signer, sizeof(found.signer));
    assert_true(found.attested.genuine && found.attested.bound && !found.attested.vlek);
    assert_int_equal(found.attested.platform, given.attested.platform);
    assert_int_equal(found.attested.product, given.attested.product);
    assert_string_equal(found.attested.csp_id, given.attested.csp_id);
    assert_memory_equal(&found.attested.report, &given.attested.report, sizeof(struct snp_report));
    assert_int_equal(found.key.kind, given.key.kind);
    assert_int_equal(found.key.first_size, given.key.first_size);
    assert_memory_equal(found.key.first, given.key.first, given.key.first_size);
    assert_int_equal(found.key.second_size, given.key.second_size);
    assert_memory_equal(found.key.second, given.key.second, given.key.second_size);
    assert_memory_equal(found.volume, given.volume, sizeof(found.volume));
    assert_int_equal(found.reply_size, 2);
    assert_memory_equal(found.reply, "{}", 2);
    assert_true(found.has_key && !found.denied && !found.crl_checked);
    grant_free(&found);
}

TEST_FIXTURE(the_oldest_without_a_grant_makes_room, set_up, tear_down)
{
    struct id ids[CAPACITY], more;

    for (int i = 0; i < CAPACITY; i++)
        ids[i] = open_at(100 + i);
    assert_int_equal(spend(ids[0].text, 120), SESSION_OK);
    assert_int_equal(grant(ids[0].text, 120, 1), SESSION_OK);
    more = open_at(120);
    assert_int_equal(find(ids[0].text, 120), 1);
    assert_int_equal(spend(ids[1].text, 120), SESSION_UNKNOWN);
    assert_int_equal(spend(ids[2].text, 120), SESSION_OK);
    assert_int_equal(spend(more.text, 120), SESSION_OK);
}

static struct id open_and_grant(time_t at, unsigned version)
{
    struct id id = open_at(at);

    assert_int_equal(spend(id.text, at), SESSION_OK);
    assert_int_equal(grant(id.text, at, version), SESSION_OK);
    return id;
}

TEST_FIXTURE(the_oldest_with_a_grant_makes_room_when_they_are_most, set_up, tear_down)
{
    struct id ids[CAPACITY], more;

    for (unsigned i = 0; i < CAPACITY; i++)
        ids[i] = open_and_grant(100 + i, i + 1);
    more = open_at(120);
    assert_int_equal(find(ids[0].text, 120), 0);
    assert_int_equal(find(ids[1].text, 120), 2);
    assert_int_equal(spend(more.text, 120), SESSION_OK);
}

TEST_FIXTURE(who_only_asks_cannot_drive_out_all_who_were_granted_something, set_up, tear_down)
{
    struct id ids[CAPACITY];

    for (unsigned i = 0; i < CAPACITY; i++)
        ids[i] = open_and_grant(100 + i, i + 1);
    for (unsigned i = 0; i < 10 * CAPACITY; i++)
        open_at(120);
    for (unsigned i = 0; i < CAPACITY; i++)
        assert_int_equal(find(ids[i].text, 120), i < CAPACITY / 2 ? 0 : i + 1);
}

TEST_FIXTURE(those_who_begin_have_half_of_the_room, set_up, tear_down)
{
    struct id begun[CAPACITY / 2];

    for (unsigned i = 0; i < CAPACITY / 2; i++)
        begun[i] = open_at(100 + i);
    for (unsigned i = 0; i < 10 * CAPACITY; i++)
        open_and_grant(100 + CAPACITY, 1);
    assert_int_equal(spend(begun[1].text, 100 + CAPACITY), SESSION_OK);
    assert_int_equal(spend(begun[CAPACITY / 2 - 1].text, 100 + CAPACITY), SESSION_OK);
}

TEST_FIXTURE(what_is_no_identifier_is_unknown, set_up, tear_down)
{
    struct id id = open_at(100);

    assert_int_equal(spend("", 100), SESSION_UNKNOWN);
    assert_int_equal(spend("0123456789abcdef0123456789abcdef0", 100), SESSION_UNKNOWN);
    assert_int_equal(spend("0123456789ABCDEF0123456789ABCDEF", 100), SESSION_UNKNOWN);
    id.text[SESSION_ID_LENGTH - 1] ^= 1;
    assert_int_equal(spend(id.text, 100), SESSION_UNKNOWN);
}

TEST_FIXTURE(identifiers_are_random, set_up, tear_down)
{
    struct id one = open_at(100), two = open_at(100);

    assert_int_equal(strspn(one.text, "0123456789abcdef"), SESSION_ID_LENGTH);
    assert_memory_not_equal(one.text, two.text, SESSION_ID_LENGTH / 2);
}

TEST_FIXTURE(requests_a_little_apart_do_not_end_each_others_sessions, set_up, tear_down)
{
    struct id id = open_at(105);

    open_at(103); /* by a thread that looked at the clock before */
    assert_int_equal(spend(id.text, 104), SESSION_OK);
}

/* Each thread's sessions keep what that thread granted; sessions may be lost to others' for want of
 * room, but never mixed up. */
static atomic_uint mixed, kept;

static void *use_sessions(void *context)
{
    unsigned own = (unsigned)(uintptr_t)context;

    for (unsigned i = 0; i < ROUNDS; i++) {
        struct session_nonce spent;
        char id[SESSION_ID_LENGTH + 1];
        unsigned version = own * ROUNDS + i + 1, found;
        time_t now = 1000 + (time_t)i * SESSION_LIFETIME / 20;

        if (sessions_open(sessions, &nonce, now, id) != SESSION_OK ||
            sessions_spend(sessions, id, now, &spent) != SESSION_OK ||
            grant(id, now, version) != SESSION_OK)
            continue;
        found = find(id, now);
        mixed += found != 0 && found != version;
        kept += found == version;
    }
    return NULL;
}

TEST_FIXTURE(threads_do_not_mix_up_sessions, set_up, tear_down)
{
    pthread_t threads[THREADS];

    mixed = kept = 0;
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_sessions, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(mixed, 0);
    assert_true(kept > 0);
}

static void *spend_one(void *context)
{
    struct session_nonce spent;

    return (void *)(uintptr_t)(sessions_spend(sessions, context, 100, &spent) == SESSION_OK);
}

TEST_FIXTURE(of_threads_that_race_one_gets_the_nonce, set_up, tear_down)
{
    for (int round = 0; round < 50; round++) {
        struct id id = open_at(100);
        pthread_t threads[THREADS];
        uintptr_t won = 0;

        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, spend_one, id.text), 0);
        for (int i = 0; i < THREADS; i++) {
            void *result;

            pthread_join(threads[i], &result);
            won += (uintptr_t)result;
        }
        assert_int_equal(won, 1);
    }
}

TEST_FIXTURE(a_grant_of_another_format_is_none, set_up, tear_down)
{
    struct grant given = make_grant(1), found;
    uint8_t bytes[GRANT_SIZE_MAX];
    size_t size;

    assert_true(grant_encode(&given, bytes, &size));
    for (size_t cut = 0; cut < size; cut++)
        assert_false(grant_decode(bytes, cut, &found));
    assert_false(grant_decode(bytes, size + 1, &found));
    assert_true(grant_decode(bytes, size, &found));
    grant_free(&found);
    bytes[0]++;
    assert_false(grant_decode(bytes, size, &found));
}

TEST_GROUP(fixture_begin_group, fixture_end_group)
