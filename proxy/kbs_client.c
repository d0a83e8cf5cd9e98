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

/* How long a KBS is left alone that does not say for how long it wants to be; and at most. */
#define PAUSE_S     1
#define PAUSE_MAX_S 60

#define STATUS_TOO_MANY_REQUESTS 429

struct kbs_session {
    struct http_client *http;
    struct turn turn;
    unsigned put_off;
    struct kbs_problem problem;
};

const char *kbs_session_problem(const struct kbs_session *session)
{
    return session->problem.text;
}

unsigned kbs_session_put_off(const struct kbs_session *session)
{
    return session->put_off;
}

struct kbs_session *kbs_session_new(const struct http_target *target, struct turns *turns,
                                    struct turn_share *share)
{
    struct kbs_session *session = calloc(1, sizeof(*session));

    if (!session)
        return NULL;
    session->turn = (struct turn){.turns = turns, .share = share};
    session->http = http_client_new(target);
    if (session->http)
        return session;
    free(session);
    return NULL;
}

/* A connection is only for those who have a turn: so there are no more than these. */
static void end_turn(struct kbs_session *session, int64_t pause_ms)
{
    http_client_hang_up(session->http);
    turn_end(&session->turn, pause_ms);
}

void kbs_session_rest(struct kbs_session *session)
{
    end_turn(session, 0);
}

void kbs_session_free(struct kbs_session *session)
{
    if (!session)
        return;
    end_turn(session, 0);
    http_client_free(session->http);
    free(session);
}

static void note(struct kbs_session *session, const char *problem)
{
    snprintf(session->problem.text, sizeof(session->problem.text), "%s", problem);
}

/* Says so beside what went wrong before, if anything did. */
static void note_late(struct kbs_session *session)
{
    struct kbs_problem before = session->problem;

    snprintf(session->problem.text, sizeof(session->problem.text),
             "%.160s%sno turn in time (%u others wait)", before.text, before.text[0] ? ": " : "",
             turns_waiting(session->turn.turns));
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

/* Whether the KBS has put the request off: then it is not asked before the time that it gave. */
static bool is_put_off(struct kbs_session *session, enum http_result result)
{
    long pause_s;

    if (result != HTTP_ANSWERED || http_client_status(session->http) != STATUS_TOO_MANY_REQUESTS)
        return false;
    pause_s = http_client_retry_after_s(session->http);
    if (pause_s <= 0)
        pause_s = PAUSE_S;
    session->put_off++;
    end_turn(session, 1000 * (pause_s < PAUSE_MAX_S ? pause_s : PAUSE_MAX_S));
    return true;
}

/* Whether there was no connection and there is time for another try, which it waits for. */
static bool is_to_connect_again(struct kbs_session *session, enum http_result result,
                                int *backoff_ms, int64_t deadline_ms, int stop)
{
    int pause_ms = *backoff_ms;

    if (result != HTTP_NO_CONNECTION || clock_left_ms(deadline_ms) <= pause_ms)
        return false;
    end_turn(session, 0);
    *backoff_ms = 2 * pause_ms < BACKOFF_LAST_MS ? 2 * pause_ms : BACKOFF_LAST_MS;
    return line_pause(stop, pause_ms);
}

static enum kbs_status ask(struct kbs_session *session, const struct kbs_request *request,
                           const char *text, int64_t deadline_ms, int stop, json_t **reply)
{
    enum turn_kind kind = request->step == KBS_STEP_AUTH ? TURN_SESSION : TURN_EVIDENCE;
    enum kbs_status status = KBS_BUSY;
    int backoff_ms = BACKOFF_FIRST_MS;
    enum http_result result;

    do {
        if (!turn_take(&session->turn, kind, deadline_ms)) {
            note_late(session);
            return status;
        }
        result = http_client_send(session->http, request->path, text, deadline_ms);
        status = take_result(session, request->step, result, reply);
    } while (is_put_off(session, result) ||
             is_to_connect_again(session, result, &backoff_ms, deadline_ms, stop));
    return status;
}

enum kbs_status kbs_session_request(struct kbs_session *session, const struct kbs_request *request,
                                    int64_t deadline_ms, int stop, json_t **reply)
{
    char *text = request->body ? json_dumps(request->body, JSON_COMPACT) : NULL;
    enum kbs_status status;

    *reply = NULL;
    session->put_off = 0;
    session->problem.text[0] = '\0';
    if (request->body && !text) {
        note(session, "out of memory");
        return KBS_UNREACHABLE;
    }
    status = ask(session, request, text, deadline_ms, stop, reply);
    http_client_forget_body(session->http);
    free(text);
    return status;
}
