/* SPDX-License-Identifier: MIT */
/* Administrators who are at work at the same time, at two servers of one store, on either store:
 * one's token is revoked at any point of what he asks for. */
#include <stdio.h>
#include <string.h>

#include "kbs/audit/audit.h"
#include "tests/unit/kbs-admin/asking.h"
#include "tests/unit/kbs-store/fixture.h"
#include "tests/unit/kbs/between.h"
#include "tests/unit/registered.h"

#define POINTS_MAX 100

static struct fixture *fixture;
static struct admin_kbs here, there; /* one server, and another one */
static char alice[TOKEN_TEXT_MAX + 1], bob[TOKEN_TEXT_MAX + 1];
static unsigned status_there; /* of what was done there */

static void start(struct admin_kbs *admin, struct store *store)
{
    *admin = (struct admin_kbs){0};
    admin->verifier.trust = &admin->trust;
    admin->kbs = (struct kbs){.store = store,
                              .audit = audit_start(store, false),
                              .verifier = &admin->verifier,
                              .attestation_policy = "default"};
}

static void begin(void)
{
    struct store *second;
    void *state;

    assert_int_equal(fixture_begin(&state), 0);
    fixture = state;
    assert_ok(store_open(fixture->url, false, &fixture->keys, &second));
    start(&here, fixture->store);
    start(&there, second);
    admin_kbs_add_token(&here, "alice", ROLE_OWNER, 0, alice);
    admin_kbs_add_token(&here, "bob", ROLE_OWNER, 0, bob);
}

static void end(void)
{
    void *state = fixture;

    audit_stop(here.kbs.audit);
    audit_stop(there.kbs.audit);
    store_close(there.kbs.store);
    fixture_end(&state);
}

static unsigned post(struct admin_kbs *admin, const char *token, const char *path, const char *body)
{
    struct answer answer =
        ask(admin, &(struct asked){.method = "POST", .path = path, .token = token, .body = body});
    unsigned status = answer.reply.status;

    asking_done(&answer);
    return status;
}

static void bob_revokes_alice(void *context)
{
    (void)context;
    status_there = post(&there, bob, "/admin/v1/tokens/alice/revoke", "{}");
}

static void alice_revokes_bob(void *context)
{
    (void)context;
    status_there = post(&there, alice, "/admin/v1/tokens/bob/revoke", "{}");
}

static bool is_valid(const char *text)
{
    struct store_unit *unit = fixture_reading(fixture);
    struct token token;
    bool valid = token_check(unit, text, ASKING_NOW, &token) == STORE_OK;

    store_abandon(unit);
    return valid;
}

TEST(of_two_owners_who_revoke_each_other_one_is_left)
{
    bool acted = true;

    for (unsigned point = 0; acted; point++) {
        unsigned status;

        assert_in_range(point, 0, POINTS_MAX);
        begin();
        between_arm(BETWEEN_STATEMENTS, point, bob_revokes_alice, NULL);
        status = post(&here, alice, "/admin/v1/tokens/bob/revoke", "{}");
        acted = between_disarm();
        if (acted && is_valid(alice) + is_valid(bob) != 1)
            fail_msg("point %u: %u here, %u there, and %s is valid", point, status, status_there,
                     is_valid(alice) ? "each" : "neither");
        if (acted && (status == 200) + (status_there == 200) != 1)
            fail_msg("point %u: %u here, %u there", point, status, status_there);
        end();
    }
}

struct order {
    uint64_t revoked, changed; /* numbers of the lines; 0: none */
    bool known;                /* who was refused */
};

static void read_line(void *context, const struct audit_entry *entry)
{
    struct order *order = context;
    json_t *line = json_loads(entry->line, 0, NULL);

    if (strcmp(text_of(line, "op"), "token-revoke") == 0)
        order->revoked = entry->seq;
    else if (strcmp(text_of(line, "result"), "done") == 0)
        order->changed = entry->seq;
    else
        order->known = json_object_get(line, "actor") != NULL;
    json_decref(line);
}

TEST(who_is_revoked_changes_nothing_any_more)
{
    unsigned refused = 0, known = 0, point = 0;
    bool acted = true;

    for (; acted; point++) {
        struct order order = {0};
        struct store_unit *unit;

        assert_in_range(point, 0, POINTS_MAX);
        begin();
        between_arm(BETWEEN_STATEMENTS, point, alice_revokes_bob, NULL);
        refused +=
            post(&here, bob, "/admin/v1/tokens", "{\"name\":\"eve\",\"role\":\"owner\"}") == 401;
        acted = between_disarm();
        assert_int_equal(acted ? status_there : 200, 200);
        unit = fixture_reading(fixture);
        assert_ok(audit_each(unit, 0, 0, read_line, &order));
        store_abandon(unit);
        if (acted && order.changed > order.revoked)
            fail_msg("point %u: line %u is of him who was revoked in line %u", point,
                     (unsigned)order.changed, (unsigned)order.revoked);
        known += order.known;
        end();
    }
    assert_in_range(refused, 4, point - 1);
    assert_in_range(known, 1, refused - 1); /* who was known at first still is */
}

/* Up to where the unit of work begins in which he is told. */
TEST(who_is_revoked_sees_nothing_any_more)
{
    unsigned point;

    for (point = 0; point < 5; point++) {
        begin();
        between_arm(BETWEEN_UNITS, point, alice_revokes_bob, NULL);
        ask_json(&here, 401, bob, "GET", "/admin/v1/tokens", NULL);
        assert_true(between_disarm());
        end();
    }
}

TEST(who_is_revoked_while_he_waits_for_the_log_does_not_get_it)
{
    struct answer answer;

    begin();
    between_arm(BETWEEN_UNITS, 6, alice_revokes_bob, NULL);
    answer =
        ask(&here,
            &(struct asked){
                .method = "GET", .path = "/admin/v1/audit", .token = bob, .query = {"from", "1"}});
    assert_true(between_disarm());
    assert_int_equal(answer.reply.status, 401);
    assert_null(json_object_get(answer.json, "entries"));
    asking_done(&answer);
    end();
}

TEST_GROUP(fixture_begin_group, fixture_end_group)
