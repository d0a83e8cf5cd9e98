/* SPDX-License-Identifier: MIT */
#include "proxy/kbs_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/clock.h"
#include "proxy/line.h"
#include "proxy/messages.h"

#define STATUS_OK                200
#define STATUS_TOO_MANY_REQUESTS 429
#define STATUS_UNAVAILABLE       503

#define PROBLEM_MAX 256
#define CODE_MAX    64

/* Between tries to connect. */
#define BACKOFF_FIRST_MS 100
#define BACKOFF_LAST_MS  2000

struct kbs_session {
    struct http_client *http;
    char problem[PROBLEM_MAX];
};

const char *kbs_status_reason(enum kbs_status status)
{
    switch (status) {
    case KBS_OK:
        return "ok";
    case KBS_UNREACHABLE:
        return "kbs-unreachable";
    case KBS_NOT_TRUSTED:
        return "kbs-tls";
    case KBS_BUSY:
        return "kbs-busy";
    case KBS_REFUSED:
        return "kbs-refused";
    case KBS_PROTOCOL:
        break;
    }
    return "kbs-protocol";
}

const char *kbs_session_problem(const struct kbs_session *session)
{
    return session->problem;
}

struct kbs_session *kbs_session_new(const struct http_target *target)
{
    struct kbs_session *session = calloc(1, sizeof(*session));

    if (!session)
        return NULL;
    session->http = http_client_new(target);
    if (session->http)
        return session;
    free(session);
    return NULL;
}

void kbs_session_free(struct kbs_session *session)
{
    if (!session)
        return;
    http_client_free(session->http);
    free(session);
}

/* The text, if it can only be a code: nothing else of an answer goes to a log. */
static const char *plain_code(const char *text)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    return text && *text && strlen(text) <= CODE_MAX && strspn(text, allowed) == strlen(text)
               ? text
               : NULL;
}

/* Trustee's "type" is an address that ends in a code. */
static const char *code_of_type(const json_t *type)
{
    const char *text = json_string_value(type), *slash = text ? strrchr(text, '/') : NULL;

    return slash ? plain_code(slash + 1) : NULL;
}

/* Keeps the code of a refusal (RFC 9457), as far as there is one, for the log. */
static void note_refusal(struct kbs_session *session, long http_status)
{
    json_t *error = json_bounded(http_client_body(session->http));
    const char *code = plain_code(json_string_value(json_object_get(error, "detail")));

    if (!code)
        code = code_of_type(json_object_get(error, "type"));
    snprintf(session->problem, sizeof(session->problem), "HTTP status %ld%s%s", http_status,
             code ? ", " : "", code ? code : "");
    json_decref(error);
}

static enum kbs_status take_answer(struct kbs_session *session, json_t **reply)
{
    long http_status = http_client_status(session->http);

    if (http_status != STATUS_OK) {
        note_refusal(session, http_status);
        return http_status == STATUS_TOO_MANY_REQUESTS || http_status == STATUS_UNAVAILABLE
                   ? KBS_BUSY
                   : KBS_REFUSED;
    }
    *reply = json_bounded(http_client_body(session->http));
    if (json_is_object(*reply))
        return KBS_OK;
    json_decref(*reply);
    *reply = NULL;
    snprintf(session->problem, sizeof(session->problem), "its answer is no JSON object");
    return KBS_PROTOCOL;
}

static enum kbs_status take_result(struct kbs_session *session, enum http_result result,
                                   json_t **reply)
{
    snprintf(session->problem, sizeof(session->problem), "%s", http_client_problem(session->http));
    switch (result) {
    case HTTP_ANSWERED:
        return take_answer(session, reply);
    case HTTP_NO_CONNECTION:
    case HTTP_NO_ANSWER:
        return KBS_UNREACHABLE;
    case HTTP_NOT_BELIEVED:
        return KBS_NOT_TRUSTED;
    case HTTP_MALFORMED:
        break;
    }
    return KBS_PROTOCOL;
}

/* Sends until there was a connection. */
static enum http_result send_request(struct kbs_session *session, const char *path,
                                     const char *text, int64_t deadline_ms, int stop)
{
    enum http_result result = http_client_send(session->http, path, text, deadline_ms);
    int backoff_ms = BACKOFF_FIRST_MS;

    while (result == HTTP_NO_CONNECTION && clock_left_ms(deadline_ms) > backoff_ms &&
           line_pause(stop, backoff_ms)) {
        result = http_client_send(session->http, path, text, deadline_ms);
        backoff_ms = 2 * backoff_ms < BACKOFF_LAST_MS ? 2 * backoff_ms : BACKOFF_LAST_MS;
    }
    return result;
}

enum kbs_status kbs_session_request(struct kbs_session *session, const char *path,
                                    const json_t *body, int64_t deadline_ms, int stop,
                                    json_t **reply)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    enum kbs_status status;

    *reply = NULL;
    if (body && !text) {
        snprintf(session->problem, sizeof(session->problem), "out of memory");
        return KBS_UNREACHABLE;
    }
    status = take_result(session, send_request(session, path, text, deadline_ms, stop), reply);
    http_client_forget_body(session->http);
    free(text);
    return status;
}
