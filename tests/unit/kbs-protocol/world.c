/* SPDX-License-Identifier: MIT */
#include "tests/unit/kbs-protocol/world.h"

#include <stdio.h>
#include <stdlib.h>

#include "kbs/audit/audit.h"
#include "kbs/evidence/chain_cache.h"
#include "kbs/policy/policy.h"
#include "kbs/protocol/policy_cache.h"
#include "kbs/protocol/protocol.h"
#include "kbs/store/images.h"
#include "kbs/store/policies.h"
#include "kbs/store/secrets.h"
#include "tests/unit/kbs-store/fixture.h"

struct chip world_chip;
uint8_t world_table[8192];
size_t world_table_size;

int world_make_chip(void **state)
{
    chip_make(&world_chip);
    world_table_size =
        chip_table(NULL, world_chip.ask, world_chip.vcek, world_table, sizeof(world_table));
    return fixture_begin_group(state);
}

int world_free_chip(void **state)
{
    chip_free(&world_chip);
    return fixture_end_group(state);
}

/* The store */

#define CHANGE(world, change)                                                                      \
    do {                                                                                           \
        struct store_unit *unit;                                                                   \
                                                                                                   \
        assert_int_equal(store_begin((world)->store, &unit), STORE_OK);                            \
        assert_int_equal(change, STORE_OK);                                                        \
        assert_int_equal(store_commit(unit), STORE_OK);                                            \
    } while (0)

void world_add_image(struct world *world, const char *name, uint8_t measurement)
{
    struct image image = {.added = world->now};

    strcpy(image.name, name);
    memset(image.measurement, measurement, sizeof(image.measurement));
    CHANGE(world, image_add(unit, &image, NULL, 0));
}

void world_add_volume(struct world *world, const char *name, const char *image,
                      enum volume_release release, const char *policy)
{
    struct volume volume = {.release = release, .created = world->now};

    strcpy(volume.name, name);
    strcpy(volume.image, image);
    strcpy(volume.policy, policy);
    memcpy(volume.id, name, strlen(name));
    CHANGE(world, volume_add(unit, &volume, world->volume_key));
}

void world_put_policy(struct world *world, const char *name, const char *text)
{
    CHANGE(world, policy_put(unit, name, text, true, world->now));
}

void world_put_secret(struct world *world, const char *path, const char *policy, const void *bytes,
                      size_t size)
{
    CHANGE(world, secret_put(unit, path, policy, bytes, size, true, world->now));
}

void world_retire_image(struct world *world, const char *name)
{
    CHANGE(world, image_retire(unit, name, world->now));
}

void world_retire_volume(struct world *world, const char *name)
{
    CHANGE(world, volume_retire(unit, name, world->now));
}

void world_replace_key(struct world *world, enum signing_key_use use, uint8_t *kid)
{
    CHANGE(world, keyring_generate(unit, use, world->now, kid));
    if (world->kbs.keyring)
        keyring_invalidate(world->kbs.keyring);
}

void world_retire_key(struct world *world, const uint8_t kid[SIGNING_KEY_ID_SIZE])
{
    CHANGE(world, signing_key_retire(unit, kid, world->now));
    keyring_invalidate(world->kbs.keyring);
}

/* The server */

static void open_store(struct world *world)
{
    world->master = fixture_keys(1);
    fixture_new_url(world->url, sizeof(world->url));
    assert_int_equal(store_open(world->url, true, &world->master, &world->store), STORE_OK);
}

static void fill_store(struct world *world)
{
    struct store_unit *unit;

    memset(world->volume_key, 0x77, sizeof(world->volume_key));
    world_add_image(world, "image", 0x4d);
    world_put_policy(world, "default", policy_default_text);
    world_add_volume(world, "volume", "image", VOLUME_RELEASE_ANY, "default");
    world_replace_key(world, SIGNING_KEY_RELEASE, world->release_kid);
    world_replace_key(world, SIGNING_KEY_TOKEN, world->token_kid);
    assert_int_equal(store_begin_reading(world->store, &unit), STORE_OK);
    assert_int_equal(volume_by_name(unit, "volume", &world->volume), STORE_OK);
    store_abandon(unit);
}

/* What a server has beside its store. */
static int start(struct world *world)
{
    enum store_status status;

    world->verifier = (struct verifier){.trust = &world->trust, .chains = chain_cache_new(16)};
    world->kbs = (struct kbs){
        .store = world->store,
        .audit = audit_start(world->store, false),
        .keyring = keyring_open(world->store, &status),
        .sessions = sessions_new(8, world->store),
        .policies = policy_cache_new(),
        .verifier = &world->verifier,
        .attestation_policy = "default",
    };
    return world->kbs.audit && world->kbs.keyring && world->kbs.sessions && world->kbs.policies
               ? 0
               : -1;
}

static void stop(struct world *world)
{
    audit_stop(world->kbs.audit);
    keyring_close(world->kbs.keyring);
    sessions_free(world->kbs.sessions);
    policy_cache_free(world->kbs.policies);
    chain_cache_free(world->verifier.chains);
    store_close(world->store);
}

int world_begin(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    *state = world;
    world->now = time(NULL);
    open_store(world);
    fill_store(world);
    world->trust.emulated_ark = world_chip.ark;
    return start(world);
}

void world_restart(struct world *world, void between(struct world *world, void *context),
                   void *context)
{
    stop(world);
    between(world, context);
    assert_int_equal(store_open(world->url, false, &world->master, &world->store), STORE_OK);
    assert_int_equal(start(world), 0);
}

int world_end(void **state)
{
    struct world *world = *state;

    free(world->client.bearer);
    stop(world);
    master_keys_wipe(&world->master);
    free(world);
    return 0;
}

/* Requests */

static const char *lookup(void *connection, enum http_value_kind kind, const char *name)
{
    const struct connection *client = connection;

    if (kind == HTTP_COOKIE && strcmp(name, "kbs-session-id") == 0 && client->cookie[0])
        return client->cookie;
    if (kind == HTTP_HEADER && strcmp(name, "Authorization") == 0)
        return client->bearer;
    return NULL;
}

static void keep_cookie(const struct http_reply *reply, struct connection *client)
{
    for (size_t i = 0; i < reply->header_count; i++)
        if (strcmp(reply->headers[i].name, "Set-Cookie") == 0)
            assert_int_equal(
                sscanf(reply->headers[i].value, "kbs-session-id=%63[^;]", client->cookie), 1);
}

unsigned world_request(struct world *world, struct connection *client, const char *method,
                       const char *path, const char *body, json_t **reply)
{
    struct http_request request = {
        .method = method,
        .head = client->head,
        .path = path,
        .peer = "192.0.2.1",
        .body = body,
        .body_size = strlen(body),
        .now = world->now,
        .lookup = lookup,
        .connection = client,
    };
    struct http_reply answer = {0};

    protocol_answer(&world->kbs, &request, &answer);
    assert_non_null(answer.body);
    keep_cookie(&answer, client);
    if (reply)
        *reply = json_loadb(answer.body, answer.body_size, 0, NULL);
    http_reply_release(&answer);
    return answer.status;
}

void world_expect_refusal(struct world *world, const char *method, const char *path,
                          const char *body, unsigned status, const char *code)
{
    json_t *reply;
    unsigned found = world_request(world, &world->client, method, path, body, &reply);
    const char *detail = json_string_value(json_object_get(reply, "detail"));

    if (found != status || !detail || strcmp(detail, code) != 0)
        fail_msg("expected %u %s, found %u %s", status, code, found, detail ? detail : "nothing");
    assert_int_equal(json_object_size(reply), 2);
    json_decref(reply);
}

/* The audit log */

struct audit_search {
    uint64_t count;
    const char *text;
    bool found;
    char last[AUDIT_LINE_MAX + 1];
};

static void visit(void *context, const struct audit_entry *entry)
{
    struct audit_search *search = context;

    search->count++;
    if (search->text && strstr(entry->line, search->text))
        search->found = true;
    snprintf(search->last, sizeof(search->last), "%s", entry->line);
}

static struct audit_search search_audit(struct world *world, const char *text)
{
    struct audit_search search = {.text = text};
    struct audit_check check;
    struct store_unit *unit;

    assert_int_equal(store_begin_reading(world->store, &unit), STORE_OK);
    assert_int_equal(audit_each(unit, 1, 0, visit, &search), STORE_OK);
    assert_int_equal(audit_verify(unit, &check), STORE_OK);
    assert_null(check.problem);
    store_abandon(unit);
    return search;
}

uint64_t world_audit_count(struct world *world)
{
    return search_audit(world, NULL).count;
}

json_t *world_audit_last(struct world *world)
{
    struct audit_search search = search_audit(world, NULL);
    json_t *line = json_loads(search.last, 0, NULL);

    assert_non_null(line);
    return line;
}

void world_expect_audit(struct world *world, const char *member, const char *text)
{
    json_t *line = world_audit_last(world);
    const char *found = json_string_value(json_object_get(line, member));

    if (!found || strcmp(found, text) != 0)
        fail_msg("expected %s %s, found %s", member, text, found ? found : "nothing");
    json_decref(line);
}

bool world_audit_has(struct world *world, const char *text)
{
    return search_audit(world, text).found;
}
