/* SPDX-License-Identifier: MIT */
/* What tokens, signing keys and sessions do, in either store. */
#include <stdio.h>
#include <string.h>

#include "kbs/store/signing_keys.h"
#include "kbs/store/stored_sessions.h"
#include "kbs/store/tokens.h"
#include "tests/unit/kbs-store/fixture.h"
#include "tests/unit/registered.h"

/* Tokens */

TEST_FIXTURE(a_token_is_valid_until_it_expires_or_is_revoked, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);
    struct token owner = {.name = "alice", .role = ROLE_OWNER, .created = 5};
    struct token auditor = {.name = "bob", .role = ROLE_AUDITOR, .created = 5, .expires = 100};
    char of_owner[TOKEN_TEXT_MAX + 1], of_auditor[TOKEN_TEXT_MAX + 1];
    struct token token;

    assert_ok(token_create(unit, &owner, of_owner));
    assert_ok(token_create(unit, &auditor, of_auditor));
    assert_ok(store_commit(unit));
    assert_string_not_equal(of_owner, of_auditor);
    assert_int_equal(strncmp(of_owner, "kbs_", 4), 0);
    assert_int_equal(strlen(of_owner), 47);
    unit = fixture_unit(fixture);
    assert_ok(token_check(unit, of_owner, 1000, &token));
    assert_string_equal(token.name, "alice");
    assert_int_equal(token.role, ROLE_OWNER);
    assert_int_equal(token.created, 5);
    assert_ok(token_check(unit, of_auditor, 99, &token));
    assert_int_equal(token.role, ROLE_AUDITOR);
    assert_status(token_check(unit, of_auditor, 100, &token), STORE_NOT_FOUND);
    assert_ok(token_revoke(unit, "alice", 50));
    assert_status(token_check(unit, of_owner, 1000, &token), STORE_NOT_FOUND);
    assert_status(token_revoke(unit, "alice", 51), STORE_NOT_FOUND);
    store_abandon(unit);
}

TEST_FIXTURE(a_token_that_is_not_exactly_right_is_none, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);
    struct token owner = {.name = "alice", .role = ROLE_OWNER, .created = 5};
    char text[TOKEN_TEXT_MAX + 1], longer[200];
    struct token token;

    assert_ok(token_create(unit, &owner, text));
    assert_status(token_check(unit, "", 6, &token), STORE_NOT_FOUND);
    assert_status(token_check(unit, "alice", 6, &token), STORE_NOT_FOUND);
    snprintf(longer, sizeof(longer), "%sA", text);
    assert_status(token_check(unit, longer, 6, &token), STORE_NOT_FOUND);
    memset(longer, 'A', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_status(token_check(unit, longer, 6, &token), STORE_NOT_FOUND);
    text[10] ^= 1;
    assert_status(token_check(unit, text, 6, &token), STORE_NOT_FOUND);
    store_abandon(unit);
}

TEST_FIXTURE(a_tokens_name_must_be_one_and_its_own, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct token owner = {.name = "alice", .role = ROLE_OWNER, .created = 5};
    struct token nameless = {.name = "", .role = ROLE_OWNER};
    char text[TOKEN_TEXT_MAX + 1];
    struct store_unit *unit = fixture_unit(fixture);

    assert_ok(token_create(unit, &owner, text));
    assert_ok(store_commit(unit));
    unit = fixture_unit(fixture);
    assert_status(token_create(unit, &owner, text), STORE_EXISTS);
    store_abandon(unit);
    unit = fixture_unit(fixture);
    assert_status(token_create(unit, &nameless, text), STORE_FAILED);
    store_abandon(unit);
}

static void list_token(void *context, const struct token *token)
{
    fixture_list(context, token->name);
}

TEST_FIXTURE(tokens_are_listed_oldest_first, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct listed listed = {""};
    struct token late = {.name = "late", .created = 5}, early = {.name = "early"};
    char text[TOKEN_TEXT_MAX + 1];
    struct store_unit *unit = fixture_unit(fixture);

    assert_ok(token_create(unit, &late, text));
    assert_ok(token_create(unit, &early, text));
    assert_ok(token_each(unit, list_token, &listed));
    store_abandon(unit);
    assert_string_equal(listed.names, "early late ");
}

/* Signing keys */

struct key_list {
    size_t count;
    struct signing_key keys[4];
};

static void list_key(void *context, const struct signing_key *key)
{
    struct key_list *keys = context;

    keys->keys[keys->count++] = *key;
}

TEST_FIXTURE(a_signing_key_can_be_fetched_until_it_is_retired, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);
    struct signing_key first = {.id = {1}, .use = SIGNING_KEY_RELEASE, .created = 5};
    struct signing_key second = {.id = {2}, .use = SIGNING_KEY_TOKEN, .created = 5};
    const uint8_t unknown[SIGNING_KEY_ID_SIZE] = {3};
    struct key_list listed = {0};
    uint8_t der[SIGNING_KEY_DER_MAX];
    size_t size;

    assert_ok(signing_key_add(unit, &first, (const uint8_t *)"first", 5));
    assert_ok(signing_key_add(unit, &second, (const uint8_t *)"second", 6));
    assert_ok(store_commit(unit));
    unit = fixture_unit(fixture);
    assert_ok(signing_key_fetch(unit, second.id, der, &size));
    assert_int_equal(size, 6);
    assert_memory_equal(der, "second", 6);
    assert_ok(signing_key_retire(unit, first.id, 9));
    assert_status(signing_key_retire(unit, first.id, 9), STORE_NOT_FOUND);
    assert_status(signing_key_fetch(unit, first.id, der, &size), STORE_RETIRED);
    assert_status(signing_key_fetch(unit, unknown, der, &size), STORE_NOT_FOUND);
    assert_ok(signing_key_each(unit, list_key, &listed));
    store_abandon(unit);
    assert_int_equal(listed.count, 2);
    assert_int_equal(listed.keys[0].id[0], 2);
    assert_int_equal(listed.keys[0].use, SIGNING_KEY_TOKEN);
    assert_int_equal(listed.keys[1].retired, 9);
}

TEST_FIXTURE(a_signing_key_is_added_once_and_of_a_bounded_size, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);
    struct signing_key key = {.id = {1}, .use = SIGNING_KEY_RELEASE, .created = 5};
    static const uint8_t der[SIGNING_KEY_DER_MAX + 1];

    assert_status(signing_key_add(unit, &key, der, sizeof(der)), STORE_FAILED);
    assert_ok(signing_key_add(unit, &key, der, SIGNING_KEY_DER_MAX));
    assert_status(signing_key_add(unit, &key, der, 5), STORE_EXISTS);
    store_abandon(unit);
}

/* Sessions */

#define SESSION "0123456789abcdef0123456789abcdef"
#define ANOTHER "fedcba9876543210fedcba9876543210"

TEST_FIXTURE(a_nonce_serves_once, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);
    uint8_t nonce[STORED_SESSION_NONCE_MAX];
    size_t size;

    assert_ok(stored_session_open(unit, SESSION, (const uint8_t *)"nonce", 5, 10, 100, 10));
    assert_ok(store_commit(unit));
    unit = fixture_unit(fixture);
    assert_status(stored_session_spend(unit, ANOTHER, 20, 0, nonce, &size), STORE_NOT_FOUND);
    assert_status(stored_session_spend(unit, SESSION, 100, 0, nonce, &size), STORE_NOT_FOUND);
    assert_status(stored_session_spend(unit, SESSION, 20, 11, nonce, &size), STORE_NOT_FOUND);
    assert_ok(stored_session_spend(unit, SESSION, 20, 10, nonce, &size));
    assert_int_equal(size, 5);
    assert_memory_equal(nonce, "nonce", 5);
    assert_ok(store_commit(unit));
    unit = fixture_unit(fixture);
    assert_status(stored_session_spend(unit, SESSION, 20, 10, nonce, &size), STORE_RETIRED);
    store_abandon(unit);
}

TEST_FIXTURE(a_grant_is_found_until_the_session_is_over, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);
    uint8_t nonce[STORED_SESSION_NONCE_MAX], grant[16];
    static const uint8_t too_large[STORED_SESSION_GRANT_MAX + 1];
    size_t size;

    assert_ok(stored_session_open(unit, SESSION, (const uint8_t *)"n", 1, 10, 100, 10));
    assert_status(stored_session_grant(unit, SESSION, "grant", 5), STORE_NOT_FOUND);
    assert_ok(stored_session_spend(unit, SESSION, 20, 10, nonce, &size));
    assert_status(stored_session_find(unit, SESSION, 20, grant, sizeof(grant), &size),
                  STORE_NOT_FOUND);
    assert_status(stored_session_grant(unit, SESSION, too_large, sizeof(too_large)), STORE_FAILED);
    assert_ok(stored_session_grant(unit, SESSION, "grant", 5));
    assert_status(stored_session_grant(unit, SESSION, "other", 5), STORE_NOT_FOUND);
    assert_ok(stored_session_find(unit, SESSION, 99, grant, sizeof(grant), &size));
    assert_int_equal(size, 5);
    assert_memory_equal(grant, "grant", 5);
    assert_status(stored_session_find(unit, SESSION, 20, grant, 4, &size), STORE_FAILED);
    assert_status(stored_session_find(unit, SESSION, 100, grant, sizeof(grant), &size),
                  STORE_NOT_FOUND);
    assert_status(stored_session_find(unit, ANOTHER, 20, grant, sizeof(grant), &size),
                  STORE_NOT_FOUND);
    store_abandon(unit);
}

TEST_FIXTURE(sessions_are_bounded_and_those_that_are_over_make_room, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);
    const uint8_t nonce[STORED_SESSION_NONCE_MAX + 1] = {0};

    assert_ok(stored_session_open(unit, SESSION, nonce, 32, 10, 100, 1));
    assert_status(stored_session_open(unit, ANOTHER, nonce, 32, 11, 101, 1), STORE_IN_USE);
    assert_ok(stored_session_open(unit, ANOTHER, nonce, 32, 100, 200, 1));
    assert_ok(stored_session_sweep(unit, 150));
    assert_ok(stored_session_open(unit, SESSION, nonce, 32, 150, 250, 2));
    assert_status(stored_session_open(unit, "short", nonce, 32, 150, 250, 9), STORE_FAILED);
    assert_status(stored_session_open(unit, ANOTHER, nonce, sizeof(nonce), 150, 250, 9),
                  STORE_FAILED);
    store_abandon(unit);
}

TEST_GROUP(fixture_begin_group, fixture_end_group)
