/* SPDX-License-Identifier: MIT */
#include "kbs/server/front.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "kbs/admin/admin.h"
#include "kbs/metrics.h"
#include "kbs/needs/needs.h"
#include "kbs/protocol/attest.h"
#include "kbs/protocol/protocol.h"
#include "kbs/protocol/refusal.h"
#include "kbs/protocol/session.h"
#include "kbs/server/client.h"
#include "kbs/server/clock.h"
#include "kbs/store/store.h"

#define TOO_MANY "too-many-requests"

static bool is(const struct http_request *request, const char *method, const char *path)
{
    return strcmp(request->method, method) == 0 && strcmp(request->path, path) == 0;
}

/* For everybody, however often others were refused: nothing about it is. */
static bool is_free(const struct http_request *request)
{
    return is(request, "GET", "/healthz") || is(request, "GET", "/.well-known/jwks.json");
}

static void ask_for_patience(struct http_reply *reply, unsigned seconds)
{
    http_reply_header(reply, "Retry-After", "%u", seconds);
    metric_add(METRIC_RATE_LIMITED, 1);
}

/* Seconds to wait for who failed too often. When all together did, strangers wait, but nobody whom
 * they would keep out. */
static unsigned
wait_for(struct rate_limit *limit, const struct front *front, const struct http_request *request,
         bool (*is_known)(const struct front *front, const struct http_request *request))
{
    uint64_t client = client_key_of_text(request->peer), now_ms = clock_ms();
    unsigned own = rate_limit_wait(limit, client, false, now_ms);
    unsigned all = own == 0 ? rate_limit_wait(limit, client, true, now_ms) : own;

    return all > 0 && own == 0 && is_known(front, request) ? 0 : all;
}

/* Who has a session that is still good for something had to keep to the rate of sessions. */
static bool has_session(const struct front *front, const struct http_request *request)
{
    const char *id = http_request_value(request, HTTP_COOKIE, SESSION_COOKIE);

    return id && sessions_has_use(front->kbs->sessions, id, request->now);
}

/* New sessions are limited, as are CRLs, each of which is signed when it is asked for; and so is
 * who is refused again and again: each refusal is a line of the audit log. */
size_t front_public_gate(void *context, const struct http_request *request,
                         struct http_reply *reply)
{
    const struct front *front = context;
    unsigned wait = 0;

    if (is(request, "POST", "/kbs/v0/auth") || is(request, "GET", CA_CRL_PATH))
        wait = rate_limit_take(front->sessions, client_key_of_text(request->peer), clock_ms());
    else if (!is_free(request))
        wait = wait_for(front->refusals, front, request, has_session);
    if (wait > 0) {
        front_public_refuse(reply, HTTP_TOO_MANY_REQUESTS, TOO_MANY);
        ask_for_patience(reply, wait);
    }
    return PROTOCOL_BODY_MAX;
}

static bool has_token(const struct front *front, const struct http_request *request)
{
    return admin_knows_sender(front->kbs, request);
}

/* Strangers cannot make the server keep much: only who has a token may send a long body. */
static size_t longest_body(const struct front *front, const struct http_request *request)
{
    const char *length = http_request_value(request, HTTP_HEADER, "Content-Length");
    bool is_short = length ? strtoull(length, NULL, 10) <= PROTOCOL_BODY_MAX
                           : !http_request_value(request, HTTP_HEADER, "Transfer-Encoding");

    return is_short || !has_token(front, request) ? PROTOCOL_BODY_MAX : ADMIN_BODY_MAX;
}

/* Who has failed too often is not even listened to. */
size_t front_admin_gate(void *context, const struct http_request *request, struct http_reply *reply)
{
    const struct front *front = context;
    unsigned wait = is_free(request) ? 0 : wait_for(front->failures, front, request, has_token);

    if (wait == 0)
        return longest_body(front, request);
    front_admin_refuse(reply, HTTP_TOO_MANY_REQUESTS, TOO_MANY);
    ask_for_patience(reply, wait);
    return PROTOCOL_BODY_MAX;
}

/* "ok", "incomplete" (needs.h) or "store-unavailable". */
static const char *health(const struct kbs *kbs)
{
    struct store_unit *unit = NULL;
    struct needs needs;
    enum store_status status = store_begin_reading(kbs->store, &unit);

    if (status == STORE_OK)
        status = needs_look(unit, kbs->attestation_policy, &needs);
    store_abandon(unit);
    if (status != STORE_OK)
        return "store-unavailable";
    return needs.missing ? "incomplete" : "ok";
}

/* For a load balancer: it learns nothing but whether to send clients here. Whoever is not concerned
 * by what is missing is served. */
static void answer_health(const struct front *front, struct http_reply *reply)
{
    const char *state = health(front->kbs);
    bool serves = strcmp(state, "store-unavailable") != 0;

    http_reply_json(reply, serves ? HTTP_OK : HTTP_UNAVAILABLE,
                    json_pack("{s:s}", "status", state));
}

/* A failure is charged after the fact, and refused at the next request. */
static void charge(struct rate_limit *limit, const struct http_request *request)
{
    rate_limit_charge(limit, client_key_of_text(request->peer), clock_ms());
}

void front_public_answer(void *context, const struct http_request *request,
                         struct http_reply *reply)
{
    const struct front *front = context;
    uint64_t began_us = clock_us();

    if (is(request, "GET", "/healthz")) {
        answer_health(front, reply);
        return;
    }
    protocol_answer(front->kbs, request, reply);
    if (reply->refused)
        charge(front->refusals, request);
    if (is(request, "POST", "/kbs/v0/attest"))
        metrics_observe_attestation(clock_us() - began_us);
}

void front_admin_answer(void *context, const struct http_request *request, struct http_reply *reply)
{
    const struct front *front = context;

    if (is(request, "GET", "/healthz")) {
        answer_health(front, reply);
        return;
    }
    admin_answer(front->kbs, request, reply);
    if (reply->status == HTTP_UNAUTHORIZED)
        charge(front->failures, request);
}

void front_public_refuse(struct http_reply *reply, unsigned status, const char *code)
{
    refusal_write(reply, status, "RequestRefused", code);
}

void front_admin_refuse(struct http_reply *reply, unsigned status, const char *code)
{
    http_reply_json(reply, status, json_pack("{s:s}", "error", code));
}
