/* SPDX-License-Identifier: MIT */
#include "tests/load/lease_talk.h"

#include <stdlib.h>

#define HELLO       "{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":\"\"}"
#define VOLUME_PATH "/kbs/v0/resource/default/sample/test"

void talk_begin(struct talk *talk, const struct prover *vm, const char *url)
{
    const char *nonce;
    json_t *challenge = NULL;

    *talk = (struct talk){.exchange = exchange_new(url, NULL)};
    if (!talk->exchange ||
        exchange_request(talk->exchange, "/kbs/v0/auth", HELLO, &challenge) != 200)
        challenge = NULL;
    nonce = json_string_value(json_object_get(challenge, "nonce"));
    if (nonce)
        talk->body = prover_attestation(vm, nonce, &talk->proof);
    json_decref(challenge);
}

/* A reply of 200; TALK_... otherwise. */
static int ask(struct talk *talk, const char *path, const char *body, json_t **reply)
{
    long status = exchange_request(talk->exchange, path, body, reply);

    if (status == 200 && *reply)
        return RELEASE_STATUS_OK;
    json_decref(*reply);
    *reply = NULL;
    return status >= 400 && status < 500 ? TALK_REFUSED : TALK_NO_ANSWER;
}

static int read_answer(const struct talk *talk, const json_t *jwe, struct release_record *answer)
{
    uint8_t secret[IDENTITY_SECRET_SIZE];
    enum attest_error error = proof_read(&talk->proof, jwe, answer, secret);

    if (answer->status == RELEASE_STATUS_OK && error != ATTEST_OK)
        return TALK_REFUSED;
    return answer->status;
}

int talk_deliver(struct talk *talk, bool fetch, struct release_record *answer)
{
    json_t *reply = NULL;
    int status;

    if (!talk->body)
        return TALK_NO_ANSWER;
    status = ask(talk, "/kbs/v0/attest", talk->body, &reply);
    json_decref(reply);
    if (status != RELEASE_STATUS_OK || !fetch)
        return status;
    status = ask(talk, VOLUME_PATH, NULL, &reply);
    if (status == RELEASE_STATUS_OK)
        status = read_answer(talk, reply, answer);
    json_decref(reply);
    return status;
}

void talk_end(struct talk *talk)
{
    exchange_free(talk->exchange);
    free(talk->body);
}

int talk(const struct prover *vm, const char *url, struct release_record *answer)
{
    struct talk once;
    int status;

    talk_begin(&once, vm, url);
    status = talk_deliver(&once, true, answer);
    talk_end(&once);
    return status;
}
