/* SPDX-License-Identifier: MIT */
/* Requests to the KBS, each in its turn, within one session of its (its cookie). */
#ifndef SNPVTPM_PROXY_KBS_CLIENT_H
#define SNPVTPM_PROXY_KBS_CLIENT_H

#include <stdint.h>

#include "proxy/http_client.h"
#include "proxy/kbs_answer.h"
#include "proxy/turns.h"

struct kbs_session;

/* A session without cookie; it keeps the target, and takes its turns from turns as one of those
 * whose share that is. NULL without memory. */
MUST_CHECK struct kbs_session *kbs_session_new(const struct http_target *target,
                                               struct turns *turns, struct turn_share *share);
void kbs_session_free(struct kbs_session *session);

struct kbs_request {
    enum kbs_step step;
    const char *path;   /* below the KBS's address */
    const json_t *body; /* to be posted; NULL: the path is got */
};

/*
 * Waits for the session's turn and asks; the turn is kept for the next request. As long as the KBS
 * cannot have acted on the request, because there is no connection or it does not want any now
 * (429), it is tried again until the deadline, or in the first case until stop (-1: nothing)
 * becomes readable. On success *reply is a JSON object that the caller releases. Otherwise
 * kbs_session_problem() tells more.
 */
MUST_CHECK enum kbs_status kbs_session_request(struct kbs_session *session,
                                               const struct kbs_request *request,
                                               int64_t deadline_ms, int stop, json_t **reply);

/* Ends the session's turn, and with it the connection. */
void kbs_session_rest(struct kbs_session *session);

/* How often the KBS put the last request off. */
unsigned kbs_session_put_off(const struct kbs_session *session);

/* What went wrong last, for the log. */
const char *kbs_session_problem(const struct kbs_session *session);

#endif
