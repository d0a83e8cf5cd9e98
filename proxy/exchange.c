/* SPDX-License-Identifier: MIT */
#include "proxy/exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/frame.h"
#include "proxy/kbs_client.h"
#include "proxy/messages.h"

#define GAP_MS 5000 /* between the bytes of a frame */

struct exchange {
    int fd;
    const struct exchange_options *options;
    struct kbs_session *session; /* NULL until a negotiation succeeded */
};

__attribute__((format(printf, 2, 3))) static void say(const struct exchange *exchange,
                                                      const char *format, ...);

static void say(const struct exchange *exchange, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    fprintf(stderr, "proxy: connection %u: %s\n", exchange->options->number, text);
}

/* Hands over response; without memory for one the peer gets nothing and is dropped. */
MUST_CHECK static bool respond(const struct exchange *exchange, json_t *response)
{
    char *text = response ? json_dumps(response, JSON_COMPACT) : NULL;
    bool sent = text && frame_write(exchange->fd, GAP_MS, text, strlen(text)) == FRAME_OK;

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
static enum kbs_status ask(struct exchange *exchange, const char *path, json_t *body,
                           json_t **reply)
{
    enum kbs_status status = kbs_session_request(exchange->session, path, body, reply);

    if (status != KBS_OK)
        say(exchange, "%s: %s%s: %s", kbs_status_reason(status), exchange->options->url, path,
            kbs_session_problem(exchange->session));
    json_decref(body);
    return status;
}

/* Takes what the KBS answered apart from its status as kbs-protocol. */
static enum kbs_status check_translated(const struct exchange *exchange, const json_t *response)
{
    if (response)
        return KBS_OK;
    say(exchange, "%s: the answer lacks what the protocol says", kbs_status_reason(KBS_PROTOCOL));
    return KBS_PROTOCOL;
}

static enum kbs_status authenticate(struct exchange *exchange, json_t **response)
{
    json_t *challenge = NULL;
    enum kbs_status status;

    end_session(exchange);
    exchange->session = kbs_session_new(exchange->options->url, exchange->options->timeout_s);
    if (!exchange->session)
        return KBS_UNREACHABLE;
    status = ask(exchange, "/kbs/v0/auth", auth_request(), &challenge);
    if (status == KBS_OK) {
        *response = negotiation_response(challenge);
        status = check_translated(exchange, *response);
    }
    json_decref(challenge);
    return status;
}

MUST_CHECK static bool answer_negotiation(struct exchange *exchange, const json_t *message)
{
    json_t *response = NULL;
    enum kbs_status status;

    if (!negotiation_is_supported(message)) {
        say(exchange, "the VM wants another version of the protocol, or is not an SEV-SNP VM");
        return respond(exchange, negotiation_failure(NULL));
    }
    status = authenticate(exchange, &response);
    if (status == KBS_OK)
        return respond(exchange, response);
    end_session(exchange);
    return respond(exchange, negotiation_failure(kbs_status_reason(status)));
}

/* Hands over request. */
static enum kbs_status attest(struct exchange *exchange, json_t *request, json_t **response)
{
    json_t *attested = NULL, *jwe = NULL;
    enum kbs_status status = ask(exchange, "/kbs/v0/attest", request, &attested);

    if (status == KBS_OK)
        status = ask(exchange, "/kbs/v0/resource/default/sample/test", NULL, &jwe);
    if (status == KBS_OK) {
        *response = attestation_response(attested, jwe);
        status = check_translated(exchange, *response);
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
        say(exchange, exchange->session ? "malformed AttestationRequest"
                                        : "AttestationRequest without a negotiation before it");
        end_session(exchange);
        return respond(exchange, attestation_failure(NULL));
    }
    status = attest(exchange, request, &response);
    end_session(exchange); /* its challenge is used up */
    if (status != KBS_OK)
        return respond(exchange, attestation_failure(kbs_status_reason(status)));
    say(exchange, "the KBS released the secret");
    return respond(exchange, response);
}

/* False when the peer is gone. */
MUST_CHECK static bool answer(struct exchange *exchange, const struct frame *frame)
{
    json_t *message;
    bool here;

    switch (message_parse(frame->bytes, frame->size, &message)) {
    case MESSAGE_NEGOTIATION:
        here = answer_negotiation(exchange, message);
        break;
    case MESSAGE_ATTESTATION:
        here = answer_attestation(exchange, message);
        break;
    default:
        say(exchange, "a message of %zu bytes that is not of this protocol", frame->size);
        here = respond(exchange, attestation_failure(NULL));
    }
    json_decref(message);
    return here;
}

/* False when the peer is gone. */
MUST_CHECK static bool serve_frame(struct exchange *exchange, struct frame *frame)
{
    switch (frame_read(exchange->fd, GAP_MS, frame)) {
    case FRAME_OK:
        return answer(exchange, frame);
    case FRAME_BAD_LENGTH:
        say(exchange, "bytes that are no frame, dropped");
        return respond(exchange, attestation_failure(NULL));
    case FRAME_STALLED:
        /* Whoever sent the half is gone; an answer would only confuse who comes next. */
        say(exchange, "half a frame, dropped");
        return true;
    case FRAME_CLOSED:
        break;
    }
    return false;
}

void exchange_serve(int fd, const struct exchange_options *options)
{
    struct exchange exchange = {.fd = fd, .options = options};
    struct frame *frame = malloc(sizeof(*frame));

    say(&exchange, "opened");
    while (frame && serve_frame(&exchange, frame))
        ;
    say(&exchange, "closed");
    end_session(&exchange);
    free(frame);
}
