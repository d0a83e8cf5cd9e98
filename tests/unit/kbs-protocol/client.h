/* SPDX-License-Identifier: MIT */
/* The guest's side of the protocol, in each dialect: its key, its evidence, what it decrypts. */
#ifndef SNPVTPM_TESTS_UNIT_KBS_PROTOCOL_CLIENT_H
#define SNPVTPM_TESTS_UNIT_KBS_PROTOCOL_CLIENT_H

#include "lib/jose/jwe_ecdh.h"
#include "lib/jose/jwk.h"
#include "lib/release/record.h"
#include "tests/unit/kbs-protocol/world.h"

struct client {
    json_t *pair; /* the private key, as libjose's JWK */
    struct jwk key;
    EVP_PKEY *p521; /* the same for OpenSSL, when it is of that kind */
    struct connection connection;
    char nonce_text[128]; /* of the session */
    uint8_t nonce[64];
    size_t nonce_size;
};

enum client_key {
    CLIENT_P521,
    CLIENT_P256,
    CLIENT_RSA,
};

#define CLIENT_PAYLOAD_MAX JWE_PLAINTEXT_MAX

void client_start(struct client *client, enum client_key kind);
void client_stop(struct client *client);

/* The client of a test, and for cmocka: a world and this client with a P-521 key; the end of both.
 */
extern struct client client;
int client_begin(void **state);
int client_end(void **state);

/* POST /auth, which must succeed. */
void client_authenticate(struct client *client, struct world *world);

/* The body of /attest as COCONUT-SVSM's proxy writes it, over a challenge of size bytes; alter may
 * change the report before it is signed, and may be NULL. */
typedef void client_alter(struct snp_report *report);
json_t *client_coconut_body(const struct client *client, const uint8_t *challenge, size_t size,
                            client_alter *alter);

/* The same over the session's nonce. */
json_t *client_coconut(const struct client *client);

/* As Trustee's clients write it; init_data and alter may be NULL. */
json_t *client_coco_body(const struct client *client, const char *init_data, client_alter *alter);

/* The challenge that asks for a signed record; out has room for RELEASE_CHALLENGE_MAX. */
size_t client_challenge(const struct client *client, const struct release_request *request,
                        uint8_t *out);

/* Posts body, which is handed over. Gives the status; *code is a refusal's, or empty; *token is
 * the token, which the caller frees. Both may be NULL. */
unsigned client_attest(struct client *client, struct world *world, json_t *body, char code[64],
                       char **token);

/* Fails the test unless the attestation is refused so. Hands over body. */
void client_expect_refusal(struct client *client, struct world *world, json_t *body,
                           const char *code);

/* Decrypts a flattened JWE with libjose; the caller frees the result, NULL when it is not for this
 * key. */
char *client_open(const struct client *client, const json_t *jwe, size_t *size);

/* Gets a resource and opens it; NULL when it is refused, with *code. */
char *client_get(struct client *client, struct world *world, const char *path, size_t *size,
                 char code[64]);

/* Opens a JWE with a signed record as an SVSM does, its pin being the world's key. Fails the test
 * when any check fails. payload has room for CLIENT_PAYLOAD_MAX, or for what
 * is expected: a key, two, or one byte. */
struct release_record client_open_signed(const struct client *client, const struct world *world,
                                         const json_t *jwe, uint8_t *payload, size_t *size);

#endif
