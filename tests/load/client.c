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

enum client_result client_attest(struct client *client)
{
    enum client_result result = CLIENT_FAILED;
    struct proof proof;
    json_t *jwe;

    client->latency = 0;
    exchange_forget(client->exchange);
    if (!prove(client, &proof))
        return CLIENT_FAILED;
    jwe = get_secret(client);
    if (jwe)
        result = client->check ? check(client, &proof, jwe) : CLIENT_OK;
    json_decref(jwe);
    return result;
}
