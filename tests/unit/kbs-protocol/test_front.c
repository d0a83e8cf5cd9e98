/* SPDX-License-Identifier: MIT */
/* Who is held back in front of the protocol and of administration, and who is not. */
#include <stdlib.h>

#include "kbs/server/front.h"
#include "kbs/store/tokens.h"
#include "tests/unit/kbs-protocol/client.h"
#include "tests/unit/kbs-store/fixture.h"
#include "tests/unit/registered.h"

/* A token a second is the slowest rate. So as many requests are let in at once that what is owed
 * for them is not there before the test ends. */
#define BURST   2
#define TOTAL   6
#define AT_ONCE 100
#define UNKNOWN "0123456789abcdef0123456789abcdef"

static struct front front;
static char owner[TOKEN_TEXT_MAX + 1];

static struct rate_limit *make_limit(unsigned burst, unsigned total)
{
    struct rate_limit *limit = rate_limit_new((struct rate){1, burst}, (struct rate){1, total}, 64);

    assert_non_null(limit);
    return limit;
}

static void add_owner(struct world *world)
{
    struct token token = {.name = "owner", .role = ROLE_OWNER, .created = world->now};
    struct store_unit *unit;

    assert_int_equal(store_begin(world->store, &unit), STORE_OK);
    assert_int_equal(token_create(unit, &token, owner), STORE_OK);
    assert_int_equal(store_commit(unit), STORE_OK);
}

static int set_up(void **state)
{
    struct world *world;

    if (world_begin(state) != 0)
        return -1;
    world = *state;
    add_owner(world);
    front = (struct front){
        .kbs = &world->kbs,
        .sessions = make_limit(1000, 1000),
        .refusals = make_limit(BURST, TOTAL),
        .failures = make_limit(BURST, TOTAL),
    };
    return 0;
}

static int tear_down(void **state)
{
    rate_limit_free(front.sessions);
    rate_limit_free(front.refusals);
    rate_limit_free(front.failures);
    return world_end(state);
}

/* A request, from its header to its reply. */
struct asked {
    const char *method, *path, *peer, *cookie, *authorization, *body;
};

static const char *lookup(void *connection, enum http_value_kind kind, const char *name)
{
    const struct asked *asked = connection;

    if (kind == HTTP_COOKIE && strcmp(name, "kbs-session-id") == 0)
        return asked->cookie;
    return kind == HTTP_HEADER && strcmp(name, "Authorization") == 0 ? asked->authorization : NULL;
}

/* gate NULL: it was passed before. */
static unsigned ask_with(const struct world *world, struct asked asked, http_gate *gate,
                         http_handler *answer)
{
    struct http_request request = {
        .method = asked.method,
        .path = asked.path,
        .peer = asked.peer,
        .body = asked.body ? asked.body : "",
        .body_size = asked.body ? strlen(asked.body) : 0,
        .now = world->now,
        .lookup = lookup,
        .connection = &asked,
    };
    struct http_reply reply = {0};

    if (gate)
        (void)gate(&front, &request, &reply);
    if (reply.status == 0)
        answer(&front, &request, &reply);
    http_reply_release(&reply);
    return reply.status;
}

#define ASKED(verb, where, from, ...)                                                              \
    (struct asked)                                                                                 \
    {                                                                                              \
        .method = (verb), .path = (where), .peer = (from), __VA_ARGS__                             \
    }
#define ASK(...)          ask_with(*state, ASKED(__VA_ARGS__), front_public_gate, front_public_answer)
#define LET_IN(...)       ask_with(*state, ASKED(__VA_ARGS__), NULL, front_public_answer)
#define ASK_ADMIN(...)    ask_with(*state, ASKED(__VA_ARGS__), front_admin_gate, front_admin_answer)
#define LET_IN_ADMIN(...) ask_with(*state, ASKED(__VA_ARGS__), NULL, front_admin_answer)

#define ATTEST "POST", "/kbs/v0/attest"
#define IMAGES "GET", "/admin/v1/images"

TEST_FIXTURE(who_is_refused_waits_whatever_the_status_was, set_up, tear_down)
{
    struct world *world = *state;
    struct store_unit *unit;

    /* Without its table the log cannot be written: 503. */
    assert_int_equal(store_begin(world->store, &unit), STORE_OK);
    assert_int_equal(db_script(unit->db, "ALTER TABLE audit RENAME TO away"), STORE_OK);
    assert_int_equal(store_commit(unit), STORE_OK);
    for (int i = 0; i < AT_ONCE; i++)
        assert_int_equal(LET_IN(ATTEST, "192.0.2.1"), 503);
    assert_int_equal(ASK(ATTEST, "192.0.2.1"), 429);
}

static char *denied_body(struct client *client, struct world *world)
{
    struct release_request request = {.op = RELEASE_OP_ACQUIRE};
    uint8_t challenge[RELEASE_CHALLENGE_MAX];
    json_t *body;
    size_t size;
    char *text;

    client_authenticate(client, world);
    size = client_challenge(client, &request, challenge);
    body = client_coconut_body(client, challenge, size, NULL);
    text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return text;
}

TEST_FIXTURE(who_is_denied_in_a_signed_record_waits_too, set_up, tear_down)
{
    struct client client;

    client_start(&client, CLIENT_P521);
    world_retire_image(*state, "image");
    for (int i = 0; i < AT_ONCE; i++) {
        char *body = denied_body(&client, *state);

        assert_int_equal(
            LET_IN(ATTEST, "192.0.2.1", .cookie = client.connection.cookie, .body = body), 200);
        world_expect_audit(*state, "result", "denied");
        free(body);
    }
    assert_int_equal(ASK(ATTEST, "192.0.2.1"), 429);
    client_stop(&client);
}

/* Exhausts what all may be refused, each stranger once. */
static void strangers_are_refused(void **state)
{
    char peer[32];

    for (int i = 0; i < AT_ONCE; i++) {
        snprintf(peer, sizeof(peer), "198.51.%d.%d", i / 256, i % 256);
        assert_int_equal(LET_IN(ATTEST, peer, .cookie = UNKNOWN), 401);
    }
}

TEST_FIXTURE(strangers_together_write_no_more_lines_than_all_may, set_up, tear_down)
{
    uint64_t lines;

    strangers_are_refused(state);
    lines = world_audit_count(*state);
    assert_int_equal(ASK(ATTEST, "203.0.113.1", .cookie = UNKNOWN), 429);
    assert_int_equal(ASK("GET", VOLUME_PATH, "203.0.113.2"), 429);
    assert_int_equal(world_audit_count(*state), lines);
}

TEST_FIXTURE(strangers_keep_nobody_out_who_has_a_session, set_up, tear_down)
{
    struct world *world = *state;
    struct client client;
    json_t *body;
    char *text;

    client_start(&client, CLIENT_P521);
    strangers_are_refused(state);
    client_authenticate(&client, world);
    body = client_coconut(&client);
    text = json_dumps(body, JSON_COMPACT);
    assert_int_equal(ASK(ATTEST, "192.0.2.1", .cookie = client.connection.cookie, .body = text),
                     200);
    assert_int_equal(ASK("GET", VOLUME_PATH, "192.0.2.1", .cookie = client.connection.cookie), 200);
    assert_int_equal(ASK("GET", "/healthz", "203.0.113.1"), 200);
    assert_int_equal(ASK("GET", "/.well-known/jwks.json", "203.0.113.1"), 200);
    free(text);
    json_decref(body);
    client_stop(&client);
}

/* Its nonce has served, and it was granted nothing. */
TEST_FIXTURE(a_session_that_is_spent_is_no_way_round, set_up, tear_down)
{
    struct world *world = *state;
    struct client client;

    client_start(&client, CLIENT_P521);
    client_authenticate(&client, world);
    assert_int_equal(ASK(ATTEST, "192.0.2.1", .cookie = client.connection.cookie), 401);
    strangers_are_refused(state);
    assert_int_equal(ASK(ATTEST, "192.0.2.1", .cookie = client.connection.cookie), 429);
    client_stop(&client);
}

TEST_FIXTURE(strangers_keep_no_administrator_out, set_up, tear_down)
{
    char bearer[TOKEN_TEXT_MAX + sizeof("Bearer ")], peer[32];

    snprintf(bearer, sizeof(bearer), "Bearer %s", owner);
    for (int i = 0; i < AT_ONCE; i++) {
        snprintf(peer, sizeof(peer), "198.51.%d.%d", i / 256, i % 256);
        assert_int_equal(LET_IN_ADMIN(IMAGES, peer, .authorization = "Bearer x"), 401);
    }
    assert_int_equal(ASK_ADMIN(IMAGES, "203.0.113.1", .authorization = "Bearer x"), 429);
    assert_int_equal(ASK_ADMIN(IMAGES, "203.0.113.1", .authorization = bearer), 200);
    assert_int_equal(ASK_ADMIN("GET", "/healthz", "203.0.113.1"), 200);
}

TEST_FIXTURE(who_failed_too_often_is_not_heard_with_a_token_either, set_up, tear_down)
{
    char bearer[TOKEN_TEXT_MAX + sizeof("Bearer ")];

    snprintf(bearer, sizeof(bearer), "Bearer %s", owner);
    for (int i = 0; i < AT_ONCE; i++)
        assert_int_equal(LET_IN_ADMIN(IMAGES, "192.0.2.1", .authorization = "Bearer x"), 401);
    assert_int_equal(ASK_ADMIN(IMAGES, "192.0.2.1", .authorization = bearer), 429);
}

TEST_GROUP(world_make_chip, world_free_chip)
