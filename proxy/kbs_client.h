/* SPDX-License-Identifier: MIT */
/* Requests to the KBS, within one session of its (its cookie). */
#ifndef SNPVTPM_PROXY_KBS_CLIENT_H
#define SNPVTPM_PROXY_KBS_CLIENT_H

#include <stdint.h>

#include "proxy/http_client.h"
#include "proxy/kbs_answer.h"

struct kbs_session;

/* A session without cookie; it keeps the target. NULL without memory. */
MUST_CHECK struct kbs_session *kbs_session_new(const struct http_target *target);
void kbs_session_free(struct kbs_session *session);

struct kbs_request {
    enum kbs_step step;
    const char *path;   /* below the KBS's address */
    const json_t *body; /* to be posted; NULL: the path is got */
};

/*
 * As long as there is no connection, so that the KBS cannot have seen the request, it is tried
 * again until the deadline or until stop (-1: nothing) becomes readable. On success *reply is a
 * JSON object that the caller releases. Otherwise kbs_session_problem() tells more.
 */
MUST_CHECK enum kbs_status kbs_session_request(struct kbs_session *session,
                                               const struct kbs_request *request,
                                               int64_t deadline_ms, int stop, json_t **reply);

/* What went wrong last, for the log. */
const char *kbs_session_problem(const struct kbs_session *session);

#endif
