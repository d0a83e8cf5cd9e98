/* SPDX-License-Identifier: MIT */
#include "tests/load/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#define HELLO       "{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":\"\"}"
#define VOLUME_PATH "/kbs/v0/resource/default/sample/test"
#define SECRET_PATH "/kbs/v0/resource/load/key/%u"

/* A request that must be answered with 200 and JSON; the caller releases that, NULL otherwise. */
static json_t *ask(struct client *client, const char *path, const char *body)
{
    json_t *reply;
    long status = exchange_request(client->exchange, path, body, &reply);
    const char *detail = json_string_value(json_object_get(reply, "detail"));

    client->latency += exchange_time(client->exchange);
    if (status == 200 && reply)
        return reply;
    snprintf(client->problem, sizeof(client->problem), "%s: %ld %s%s", path, status,
             detail ? detail : "", status == 0 ? exchange_error(client->exchange) : "");
    json_decref(reply);
    return NULL;
}

static bool fail(struct client *client, const char *problem)
{
    snprintf(client->problem, sizeof(client->problem), "%s", problem);
    return false;
}

static bool prove(struct client *client, struct proof *proof)
{
    json_t *challenge = ask(client, "/kbs/v0/auth", HELLO), *token;
    const char *nonce = json_string_value(json_object_get(challenge, "nonce"));
    char *body;

    if (!challenge)
        return false;
    body = nonce ? prover_attestation(&client->prover, nonce, proof) : NULL;
    json_decref(challenge);
    if (!body)
        return fail(client, "the KBS's nonce cannot be used");
    token = ask(client, "/kbs/v0/attest", body);
    free(body);
    json_decref(token);
    return token != NULL;
}

static json_t *get_secret(struct client *client)
{
    char path[64];

    if (client->prover.dialect != DIALECT_COCO)
        return ask(client, VOLUME_PATH, NULL);
    snprintf(path, sizeof(path), SECRET_PATH, client->prover.identity.number);
    return ask(client, path, NULL);
}

static enum client_result check(struct client *client, const struct proof *proof, const json_t *jwe)
{
    uint8_t secret[IDENTITY_SECRET_SIZE];

    if (!proof_open(proof, jwe, secret)) {
        fail(client, "what the KBS sent cannot be decrypted");
        return CLIENT_FAILED;
    }
    if (CRYPTO_memcmp(secret, client->prover.identity.secret, sizeof(secret)) == 0)
        return CLIENT_OK;
    fail(client, "this is another client's secret");
    return CLIENT_CROSSED;
}

/* A new session, to the JWE, which the caller releases; NULL when nothing came. */
static json_t *get_jwe(struct client *client, struct proof *proof)
{
    client->latency = 0;
    exchange_forget(client->exchange);
    return prove(client, proof) ? get_secret(client) : NULL;
}

enum client_result client_ask(struct client *client, struct release_record *answer)
{
    uint8_t secret[IDENTITY_SECRET_SIZE];
    struct proof proof;
    json_t *jwe = get_jwe(client, &proof);
    enum attest_error error;

    if (!jwe)
        return CLIENT_FAILED;
    error = proof_read(&proof, jwe, answer, secret);
    json_decref(jwe);
    if (!error && answer->status == RELEASE_STATUS_OK)
        return CLIENT_OK;
    snprintf(client->problem, sizeof(client->problem), "operation %u: status %u: %s",
             client->prover.request.op, answer->status, attest_error_words(error));
    return CLIENT_FAILED;
}

enum client_result client_attest(struct client *client)
{
    enum client_result result = CLIENT_FAILED;
    struct proof proof;
    json_t *jwe = get_jwe(client, &proof);

    if (jwe)
        result = client->check ? check(client, &proof, jwe) : CLIENT_OK;
    json_decref(jwe);
    return result;
}
