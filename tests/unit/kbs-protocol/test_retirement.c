/* SPDX-License-Identifier: MIT */
/*
 * What the owner takes back while a client asks for it: at every point of the request, by another
 * server, on either store. The audit log has both in the order in which they happened: nothing is
 * given behind the line that takes it back.
 */
#include <stdio.h>
#include <stdlib.h>

#include "kbs/audit/audit.h"
#include "kbs/store/images.h"
#include "kbs/store/policies.h"
#include "kbs/store/secrets.h"
#include "tests/unit/kbs-protocol/client.h"
#include "tests/unit/kbs/between.h"
#include "tests/unit/registered.h"

#define SECRET       "tenant/key/one"
#define SECRET_PATH  "/kbs/v0/resource/" SECRET
#define POINTS_LEAST 4   /* between the units of work of a request */
#define POINTS_MAX   100 /* of all kinds */

static struct world *world;
static struct store *owners; /* the same store, by another server */

/* What the owner does */

typedef enum store_status take_back(struct store_unit *unit);

static enum store_status retire_volume(struct store_unit *unit)
{
    return volume_retire(unit, "volume", world->now);
}

static enum store_status set_key(struct store_unit *unit)
{
    const uint8_t key[STATE_KEY_SIZE] = {1};

    return volume_set_key(unit, "volume", key, world->now);
}

static enum store_status set_image(struct store_unit *unit)
{
    return volume_set_image(unit, "volume", "other");
}

static enum store_status retire_image(struct store_unit *unit)
{
    return image_retire(unit, "image", world->now);
}

static enum store_status tighten_policy(struct store_unit *unit)
{
    return policy_put(unit, "default", "images = [ \"other\" ];", true, world->now);
}

static enum store_status retire_secret(struct store_unit *unit)
{
    return secret_retire(unit, SECRET, world->now);
}

static enum store_status replace_secret(struct store_unit *unit)
{
    return secret_put(unit, SECRET, "default", "new secret", 10, true, world->now);
}

static enum store_status retire_release_key(struct store_unit *unit)
{
    return signing_key_retire(unit, world->release_kid, world->now);
}

static enum store_status retire_token_key(struct store_unit *unit)
{
    return signing_key_retire(unit, world->token_kid, world->now);
}

static enum store_status do_it(struct store_unit *unit, void *context)
{
    take_back *const *work = context;
    enum store_status status = (*work)(unit);

    return status == STORE_OK ? audit_append(unit, "admin", json_object(), world->now) : status;
}

static void change(void *context)
{
    assert_int_equal(store_change(owners, do_it, context), STORE_OK);
}

/* What a client asks for: prepared before, then asked for. */

static void attest_coconut(void)
{
    client_authenticate(&client, world);
    assert_int_equal(client_attest(&client, world, client_coconut(&client), NULL, NULL), 200);
}

static json_t *signed_body(void)
{
    struct release_request acquire = {.op = RELEASE_OP_ACQUIRE};
    uint8_t challenge[RELEASE_CHALLENGE_MAX];
    size_t size = client_challenge(&client, &acquire, challenge);

    return client_coconut_body(&client, challenge, size, NULL);
}

static void attest_signed(void)
{
    client_authenticate(&client, world);
    assert_int_equal(client_attest(&client, world, signed_body(), NULL, NULL), 200);
}

static void get_token(void)
{
    char *token;

    client_authenticate(&client, world);
    assert_int_equal(client_attest(&client, world, client_coconut(&client), NULL, &token), 200);
    client.connection.cookie[0] = '\0';
    client.connection.bearer = malloc(strlen(token) + sizeof("Bearer "));
    sprintf(client.connection.bearer, "Bearer %s", token);
    free(token);
}

static void greet(void)
{
    client_authenticate(&client, world);
}

static bool get_key(void)
{
    return world_request(world, &client.connection, "GET", VOLUME_PATH, "", NULL) == 200;
}

static bool new_secret; /* that came */

static bool get_secret(void)
{
    size_t size;
    char *secret = client_get(&client, world, SECRET_PATH, &size, NULL);

    new_secret = secret && memcmp(secret, "new", 3) == 0;
    free(secret);
    return secret != NULL;
}

static bool attest_for_a_volume(void)
{
    return client_attest(&client, world, client_coconut(&client), NULL, NULL) == 200;
}

/* What the owner's rules deny is told in a success of HTTP: only the log has it. */
static bool attest_signed_for_a_volume(void)
{
    (void)!client_attest(&client, world, signed_body(), NULL, NULL);
    return false;
}

static bool attest_for_none(void)
{
    return client_attest(&client, world, client_coco_body(&client, NULL, NULL), NULL, NULL) == 200;
}

/* The order of it all */

struct order {
    uint64_t taken_back, given; /* numbers of the lines; 0: none */
};

static void read_line(void *context, const struct audit_entry *entry)
{
    struct order *order = context;
    json_t *line = json_loads(entry->line, 0, NULL);
    const char *event = json_string_value(json_object_get(line, "event"));
    const char *result = json_string_value(json_object_get(line, "result"));

    if (strcmp(event, "admin") == 0)
        order->taken_back = entry->seq;
    else if (strcmp(result, "released") == 0 || strcmp(result, "accepted") == 0)
        order->given = entry->seq;
    json_decref(line);
}

static struct order read_order(uint64_t from)
{
    struct order order = {0};
    struct store_unit *unit;

    assert_int_equal(store_begin_reading(owners, &unit), STORE_OK);
    assert_int_equal(audit_each(unit, from, 0, read_line, &order), STORE_OK);
    store_abandon(unit);
    return order;
}

static void begin(void **state)
{
    assert_int_equal(world_begin(state), 0);
    world = *state;
    world_add_image(world, "other", 0x5e);
    world_put_secret(world, SECRET, "default", "old secret", 10);
    assert_int_equal(store_open(world->url, false, &world->master, &owners), STORE_OK);
}

static void end(void **state)
{
    free(client.connection.bearer);
    client.connection.bearer = NULL;
    store_close(owners);
    world_end(state);
}

/* One run, with the change at that point. False when the request has no such point. */
static bool run(void (*prepare)(void), bool (*ask)(void), take_back *work,
                enum between_points points, unsigned point, unsigned *given)
{
    void *state;
    struct order order;
    uint64_t from;
    bool got, acted;

    begin(&state);
    prepare();
    from = world_audit_count(world) + 1;
    between_arm(points, point, change, &work);
    got = ask();
    acted = between_disarm();
    order = read_order(from);
    if (got && !order.given)
        fail_msg("point %u: something was given without a line", point);
    if (acted && order.given > order.taken_back && ask != get_secret)
        fail_msg("point %u: line %u gives what line %u took back", point, (unsigned)order.given,
                 (unsigned)order.taken_back);
    if (acted && got && ask == get_secret && new_secret != (order.given > order.taken_back))
        fail_msg("point %u: the %s secret was given in line %u, with the change in line %u", point,
                 new_secret ? "new" : "old", (unsigned)order.given, (unsigned)order.taken_back);
    *given += acted && order.given;
    end(&state);
    return acted;
}

/* Every point. The first must lead to a refusal (or to what is new), the last to a success. */
static void at_all(enum between_points points, void (*prepare)(void), bool (*ask)(void),
                   take_back *work)
{
    unsigned point = 0, given = 0;

    while (point < POINTS_MAX && run(prepare, ask, work, points, point, &given))
        point++;
    assert_in_range(point, POINTS_LEAST, POINTS_MAX - 1);
    assert_in_range(given, 1, point);
    if (work != replace_secret)
        assert_int_not_equal(given, point);
}

static void at_every_point(void (*prepare)(void), bool (*ask)(void), take_back *work)
{
    at_all(BETWEEN_UNITS, prepare, ask, work);
}

/* The same before each statement. */
static void at_the_very_instant(void (*prepare)(void), bool (*ask)(void), take_back *work)
{
    at_all(BETWEEN_STATEMENTS, prepare, ask, work);
}

TEST(a_retired_volumes_key_is_not_released)
{
    at_the_very_instant(attest_coconut, get_key, retire_volume);
}

TEST(the_key_that_a_volume_had_before_is_not_released)
{
    at_every_point(attest_coconut, get_key, set_key);
}

TEST(a_volume_that_moved_is_not_released_to_the_image_before)
{
    at_every_point(attest_coconut, get_key, set_image);
}

TEST(a_retired_image_gets_no_key)
{
    at_every_point(attest_coconut, get_key, retire_image);
}

TEST(a_tightened_policy_counts_for_keys)
{
    at_every_point(attest_coconut, get_key, tighten_policy);
}

TEST(what_a_retired_key_signed_releases_nothing)
{
    at_every_point(attest_signed, get_key, retire_release_key);
}

TEST(a_retired_secret_is_not_released)
{
    at_the_very_instant(attest_coconut, get_secret, retire_secret);
}

TEST(a_replaced_secret_is_released_as_it_is)
{
    at_every_point(attest_coconut, get_secret, replace_secret);
}

TEST(a_retired_image_gets_no_secret)
{
    at_every_point(attest_coconut, get_secret, retire_image);
}

TEST(a_tightened_policy_counts_for_secrets)
{
    at_every_point(attest_coconut, get_secret, tighten_policy);
}

TEST(a_token_of_a_retired_key_gets_no_secret)
{
    at_every_point(get_token, get_secret, retire_token_key);
}

TEST(a_retired_image_is_not_accepted)
{
    at_every_point(greet, attest_for_a_volume, retire_image);
    at_the_very_instant(greet, attest_for_none, retire_image);
}

TEST(a_retired_volume_is_not_accepted)
{
    at_every_point(greet, attest_for_a_volume, retire_volume);
    at_every_point(greet, attest_signed_for_a_volume, retire_volume);
}

TEST(a_tightened_policy_counts_for_attestations)
{
    at_every_point(greet, attest_for_a_volume, tighten_policy);
    at_every_point(greet, attest_for_none, tighten_policy);
}

static int set_up(void **state)
{
    client_start(&client, CLIENT_P521);
    return world_make_chip(state);
}

static int tear_down(void **state)
{
    client_stop(&client);
    return world_free_chip(state);
}

TEST_GROUP(set_up, tear_down)
