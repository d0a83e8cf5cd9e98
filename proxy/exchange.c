/* SPDX-License-Identifier: MIT */
#include "proxy/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/clock.h"
#include "proxy/frame.h"
#include "proxy/kbs_client.h"
#include "proxy/messages.h"

#define GAP_MS   5000   /* between the bytes of a frame */
#define FRAME_MS 120000 /* a whole one; the largest takes 70 s at 9600 baud */

/* How long a challenge waits for its evidence; no KBS keeps one longer. */
#define SESSION_MS 300000

#define PATH_ROOM 512

/* What the VM is told of its own messages, besides what kbs_status_reason() says of the KBS. */
#define REASON_VERSION "protocol-version"  /* it negotiates what this proxy does not speak */
#define REASON_MESSAGE "message-malformed" /* it is none, or comes out of turn */

struct exchange {
    struct line line;
    const struct exchange_options *options;
    const struct exchange_peer *peer;
    struct kbs_session *session; /* NULL until a negotiation succeeded */
    int64_t deadline_ms;         /* of the answer to the message that is being answered */
};

#define say(exchange, level, ...) log_line(level, &(exchange)->peer->source, __VA_ARGS__)

/* Hands over response; without memory for one the peer gets nothing and is dropped. */
MUST_CHECK static bool respond(const struct exchange *exchange, json_t *response)
{
    static const struct frame_limits limits = {.gap_ms = GAP_MS, .whole_ms = FRAME_MS};
    char *text = response ? json_dumps(response, JSON_COMPACT) : NULL;
    bool sent = text && frame_write(&exchange->line, &limits, text, strlen(text)) == FRAME_OK;

    if (!sent)
        say(exchange, LOG_WARNING, "answer-not-taken", NULL, NULL);
    free(text);
    json_decref(response);
    return sent;
}

static void end_session(struct exchange *exchange)
{
    kbs_session_free(exchange->session);
    exchange->session = NULL;
}

/* A request to the KBS; hands over body. Failures are logged. */
static enum kbs_status ask(struct exchange *exchange, enum kbs_step step, const char *path,
                           json_t *body, json_t **reply)
{
    struct kbs_request request = {.step = step, .path = path, .body = body};
    enum kbs_status status = kbs_session_request(exchange->session, &request, exchange->deadline_ms,
                                                 exchange->line.stop, reply);

    if (status != KBS_OK)
        say(exchange, LOG_WARNING, "kbs-failed", kbs_status_reason(status), "%s%s: %s",
            exchange->options->kbs.url, path, kbs_session_problem(exchange->session));
    else if (kbs_session_put_off(exchange->session) > 0)
        say(exchange, LOG_INFO, "kbs-put-off", NULL, "%s%s: taken after %u times \"later\"",
            exchange->options->kbs.url, path, kbs_session_put_off(exchange->session));
    json_decref(body);
    return status;
}

/* Takes what the KBS answered apart from its status as kbs-protocol; releases such a response. */
static enum kbs_status check_translated(const struct exchange *exchange, json_t **response)
{
    const char *problem = "the answer lacks what the protocol says";

    if (*response && json_dumpb(*response, NULL, 0, JSON_COMPACT) <= FRAME_MAX)
        return KBS_OK;
    if (*response)
        problem = "the answer is larger than a VM takes";
    say(exchange, LOG_WARNING, "kbs-failed", kbs_status_reason(KBS_PROTOCOL), "%s: %s",
        exchange->options->kbs.url, problem);
    json_decref(*response);
    *response = NULL;
    return KBS_PROTOCOL;
}

static enum kbs_status authenticate(struct exchange *exchange, json_t **response)
{
    json_t *challenge = NULL;
    enum kbs_status status;

    end_session(exchange);
    exchange->session = kbs_session_new(&exchange->options->kbs, exchange->peer->turns,
                                        peers_share(exchange->peer->account));
    if (!exchange->session)
        return KBS_UNREACHABLE;
    status = ask(exchange, KBS_STEP_AUTH, "/kbs/v0/auth", auth_request(), &challenge);
    kbs_session_rest(exchange->session); /* the VM takes its time for the evidence */
    if (status == KBS_OK) {
        *response = negotiation_response(challenge);
        status = check_translated(exchange, response);
    }
    json_decref(challenge);
    return status;
}

MUST_CHECK static bool answer_negotiation(struct exchange *exchange, const json_t *message)
{
    json_t *response = NULL;
    enum kbs_status status;

    if (!negotiation_is_supported(message)) {
        say(exchange, LOG_WARNING, "negotiation-unsupported", NULL,
            "the VM wants another version of the protocol, or is not an SEV-SNP VM");
        return respond(exchange, negotiation_failure(REASON_VERSION));
    }
    status = authenticate(exchange, &response);
    if (status == KBS_OK)
        return respond(exchange, response);
    end_session(exchange);
    return respond(exchange, negotiation_failure(kbs_status_reason(status)));
}

static enum kbs_status fetch_resource(struct exchange *exchange, json_t **jwe)
{
    char path[PATH_ROOM];

    snprintf(path, sizeof(path), "/kbs/v0/resource/%s", exchange->options->resource);
    return ask(exchange, KBS_STEP_RESOURCE, path, NULL, jwe);
}

/* Hands over request. */
static enum kbs_status attest(struct exchange *exchange, json_t *request, json_t **response)
{
    json_t *attested = NULL, *jwe = NULL;
    enum kbs_status status = ask(exchange, KBS_STEP_ATTEST, "/kbs/v0/attest", request, &attested);

    if (status == KBS_OK)
        status = fetch_resource(exchange, &jwe);
    if (status == KBS_OK) {
        *response = attestation_response(attested, jwe);
        status = check_translated(exchange, response);
    }
    json_decref(attested);
    json_decref(jwe);
    return status;
}

MUST_CHECK static bool answer_attestation(struct exchange *exchange, const json_t *message)
{
    json_t *request = exchange->session ? attest_request(message) : NULL;
    json_t *response = NULL;
    enum kbs_status status;

    if (!request) {
        say(exchange, LOG_WARNING, "evidence-unusable", NULL,
            exchange->session ? "malformed AttestationRequest"
                              : "AttestationRequest without a negotiation before it");
        end_session(exchange);
        return respond(exchange, attestation_failure(REASON_MESSAGE));
    }
    status = attest(exchange, request, &response);
    end_session(exchange); /* its challenge is used up */
    if (status != KBS_OK)
        return respond(exchange, attestation_failure(kbs_status_reason(status)));
    say(exchange, LOG_INFO, "secret-released", NULL, NULL);
    return respond(exchange, response);
}

/* False when the peer is gone. */
MUST_CHECK static bool answer(struct exchange *exchange, const struct frame *frame)
{
    json_t *message;
    bool here;

    exchange->deadline_ms = clock_now_ms() + 1000 * exchange->options->timeout_s;
    switch (message_parse(frame->bytes, frame->size, &message)) {
    case MESSAGE_NEGOTIATION:
        here = answer_negotiation(exchange, message);
        break;
    case MESSAGE_ATTESTATION:
        here = answer_attestation(exchange, message);
        break;
    default:
        say(exchange, LOG_WARNING, "message-unknown", NULL,
            "%zu bytes that are not of this protocol", frame->size);
        here = respond(exchange, attestation_failure(REASON_MESSAGE));
    }
    json_decref(message);
    return here;
}

/* Whoever talks too fast waits, and nobody else does. */
static void await_turn(const struct exchange *exchange)
{
    int wait_ms = peers_turn_ms(exchange->peer->peers, exchange->peer->account);

    if (wait_ms > 0)
        (void)line_pause(exchange->line.stop, wait_ms);
}

/* A conversation that has begun goes on when the service is told to end. */
static enum frame_status read_frame(const struct exchange *exchange, struct frame *frame)
{
    struct frame_limits limits = {
        .first_ms = exchange->session ? SESSION_MS : NO_LIMIT,
        .gap_ms = GAP_MS,
        .whole_ms = FRAME_MS,
    };
    struct line line = exchange->line;

    if (exchange->session)
        line.stop = -1;
    return frame_read(&line, &limits, frame);
}

/* False when the peer is gone, or is to be left. */
MUST_CHECK static bool serve_frame(struct exchange *exchange)
{
    struct frame frame;
    enum frame_status status = read_frame(exchange, &frame);
    bool here;

    switch (status) {
    case FRAME_OK:
        await_turn(exchange);
        here = answer(exchange, &frame);
        free(frame.bytes);
        return here;
    case FRAME_BAD_LENGTH:
        await_turn(exchange);
        say(exchange, LOG_WARNING, "noise-dropped", NULL, "bytes that are no frame");
        return respond(exchange, attestation_failure(REASON_MESSAGE));
    case FRAME_STALLED:
        /* Whoever sent the half is gone; an answer would only confuse who comes next. */
        await_turn(exchange);
        say(exchange, LOG_WARNING, "noise-dropped", NULL, "half a frame");
        return true;
    case FRAME_IDLE:
        say(exchange, LOG_INFO, "challenge-expired", NULL, NULL);
        end_session(exchange);
        return true;
    case FRAME_CLOSED:
    case FRAME_STOPPED:
        break;
    }
    return false;
}

void exchange_serve(const struct line *line, const struct exchange_options *options,
                    const struct exchange_peer *peer)
{
    struct exchange exchange = {.line = *line, .options = options, .peer = peer};

    await_turn(&exchange);
    say(&exchange, LOG_INFO, "opened", NULL, NULL);
    while (serve_frame(&exchange))
        ;
    say(&exchange, LOG_INFO, "closed", NULL, NULL);
    end_session(&exchange);
}
