/* SPDX-License-Identifier: MIT */
#include "tests/load/anchor.h"

#include <string.h>

#include <openssl/rand.h>

#include "lib/base/bytes.h"

/* Asks, and reads the answer: what it tells of lease and state is taken over. */
static enum client_result ask(struct client *client, struct anchor *anchor, uint8_t op)
{
    struct release_request *request = &client->prover.request;
    struct release_record answer;
    enum client_result result;

    request->op = op;
    request->has_sequence = true;
    request->sequence = ++anchor->sequence;
    result = client_ask(client, &answer);
    if (result != CLIENT_OK || op != RELEASE_OP_ACQUIRE)
        return result;
    anchor->epoch = answer.epoch;
    memcpy(anchor->lease, answer.lease, sizeof(anchor->lease));
    anchor->has_committed = answer.has_committed;
    memcpy(anchor->committed, answer.committed, sizeof(anchor->committed));
    return CLIENT_OK;
}

/* The request names the lease, and the state that is committed, if one is. */
static void name_lease(struct client *client, const struct anchor *anchor)
{
    struct release_request *request = &client->prover.request;

    *request = (struct release_request){.has_epoch = true,
                                        .epoch = anchor->epoch,
                                        .has_lease = true,
                                        .has_from = anchor->has_committed};
    memcpy(request->lease, anchor->lease, sizeof(request->lease));
    memcpy(request->from, anchor->committed, sizeof(request->from));
}

/* Has the KBS commit a state with the next counter, and a root that is as good as any. */
static enum client_result commit(struct client *client, struct anchor *anchor, uint8_t op)
{
    struct release_request *request = &client->prover.request;
    uint64_t counter = anchor->has_committed ? get_be64(anchor->committed) : 0;
    enum client_result result;

    name_lease(client, anchor);
    request->has_to = true;
    memset(request->to, 0x5a, sizeof(request->to));
    put_be64(request->to, counter + 1);
    result = ask(client, anchor, op);
    if (result != CLIENT_OK)
        return result;
    anchor->has_committed = true;
    memcpy(anchor->committed, request->to, sizeof(anchor->committed));
    return CLIENT_OK;
}

enum client_result anchor_begin(struct client *client, struct anchor *anchor)
{
    enum client_result result;

    *anchor = (struct anchor){0};
    client->prover.request = (struct release_request){0};
    if (RAND_bytes(client->prover.report_id, sizeof(client->prover.report_id)) != 1)
        return CLIENT_FAILED;
    result = ask(client, anchor, RELEASE_OP_ACQUIRE);
    return result == CLIENT_OK ? commit(client, anchor, RELEASE_OP_CONFIRM) : result;
}

enum client_result anchor_next(struct client *client, struct anchor *anchor)
{
    return commit(client, anchor, RELEASE_OP_ANCHOR);
}

enum client_result anchor_end(struct client *client, struct anchor *anchor)
{
    name_lease(client, anchor);
    return ask(client, anchor, RELEASE_OP_RELEASE);
}
