/* SPDX-License-Identifier: MIT */
/*
 * A server without sockets: a store (SQLite, or PostgreSQL beside such a server), an emulated chip
 * that it believes, and one client's connection to it. Tests of the program share the chip.
 */
#ifndef SNPVTPM_TESTS_UNIT_KBS_PROTOCOL_WORLD_H
#define SNPVTPM_TESTS_UNIT_KBS_PROTOCOL_WORLD_H

#include <jansson.h>
#include <limits.h>
#include <string.h>

#include "kbs/evidence/evidence.h"
#include "kbs/kbs.h"
#include "kbs/keys/keyring.h"
#include "kbs/protocol/session.h"
#include "kbs/store/volumes.h"
#include "tests/unit/kbs/chip.h"
#include "tests/unit/registered.h"

#define WORLD_BODY_MAX 65536
#define VOLUME_PATH    "/kbs/v0/resource/default/sample/test"

extern struct chip world_chip;
extern uint8_t world_table[8192]; /* the certificates that its guests send */
extern size_t world_table_size;

/* For cmocka's group: the chip and a folder for files. */
int world_make_chip(void **state);
int world_free_chip(void **state);

/* What a client keeps between requests. */
struct connection {
    char cookie[64]; /* empty: none */
    char *bearer;    /* NULL: none; owned */
    bool head;       /* asks for headers only */
};

struct world {
    char url[PATH_MAX + 64]; /* of the store */
    struct master_keys master;
    struct store *store;
    struct trust trust;
    struct verifier verifier;
    struct kbs kbs;
    time_t now;
    struct connection client;
    uint8_t release_kid[SIGNING_KEY_ID_SIZE], token_kid[SIGNING_KEY_ID_SIZE];
    uint8_t volume_key[STATE_KEY_SIZE];
    struct volume volume; /* "volume" of "image", which is the chip's guests' */
};

/* For cmocka's set-up and tear-down of a test: *state is a struct world with an image, a volume for
 * it that any profile gets, the policy "default", and a key of each use. */
int world_begin(void **state);
int world_end(void **state);

/* Stops the server, has something done to its store, and starts it again. */
void world_restart(struct world *world, void between(struct world *world, void *context),
                   void *context);

/* Sends a request; gives the status and, if wanted, the body, which the caller releases. */
unsigned world_request(struct world *world, struct connection *client, const char *method,
                       const char *path, const char *body, json_t **reply);

/* Fails the test unless the request is refused so. */
void world_expect_refusal(struct world *world, const char *method, const char *path,
                          const char *body, unsigned status, const char *code);

/* Changes of the store that must succeed. */
void world_add_image(struct world *world, const char *name, uint8_t measurement);
void world_add_volume(struct world *world, const char *name, const char *image,
                      enum volume_release release, const char *policy);
void world_put_policy(struct world *world, const char *name, const char *text);
void world_put_secret(struct world *world, const char *path, const char *policy, const void *bytes,
                      size_t size);
void world_retire_image(struct world *world, const char *name);
void world_retire_volume(struct world *world, const char *name);
void world_replace_key(struct world *world, enum signing_key_use use, uint8_t *kid);
void world_retire_key(struct world *world, const uint8_t kid[SIGNING_KEY_ID_SIZE]);

/* How many lines the audit log has, and the last one; the caller releases it. */
uint64_t world_audit_count(struct world *world);
json_t *world_audit_last(struct world *world);

/* Fails the test unless member of the last line is text. */
void world_expect_audit(struct world *world, const char *member, const char *text);

/* Whether text is anywhere in the audit log. */
bool world_audit_has(struct world *world, const char *text);

#endif
