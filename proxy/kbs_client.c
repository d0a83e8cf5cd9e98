/* SPDX-License-Identifier: MIT */
#include "proxy/kbs_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/clock.h"
#include "proxy/line.h"

/* Between tries to connect. */
#define BACKOFF_FIRST_MS 100
#define BACKOFF_LAST_MS  2000

struct kbs_session {
    struct http_client *http;
    struct kbs_problem problem;
};

const char *kbs_session_problem(const struct kbs_session *session)
{
    return session->problem.text;
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

static void note(struct kbs_session *session, const char *problem)
{
    snprintf(session->problem.text, sizeof(session->problem.text), "%s", problem);
}

static enum kbs_status take_result(struct kbs_session *session, enum kbs_step step,
                                   enum http_result result, json_t **reply)
{
    note(session, http_client_problem(session->http));
    switch (result) {
    case HTTP_ANSWERED:
        return kbs_answer_judge(step, http_client_status(session->http),
                                http_client_body(session->http), reply, &session->problem);
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

enum kbs_status kbs_session_request(struct kbs_session *session, const struct kbs_request *request,
                                    int64_t deadline_ms, int stop, json_t **reply)
{
    char *text = request->body ? json_dumps(request->body, JSON_COMPACT) : NULL;
    enum kbs_status status;
    enum http_result result;

    *reply = NULL;
    if (request->body && !text) {
        note(session, "out of memory");
        return KBS_UNREACHABLE;
    }
    result = send_request(session, request->path, text, deadline_ms, stop);
    status = take_result(session, request->step, result, reply);
    http_client_forget_body(session->http);
    free(text);
    return status;
}
