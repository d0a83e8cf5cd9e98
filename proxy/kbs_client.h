/* SPDX-License-Identifier: MIT */
/* Requests to the KBS, within one session of its (its cookie). */
#ifndef SNPVTPM_PROXY_KBS_CLIENT_H
#define SNPVTPM_PROXY_KBS_CLIENT_H

#include <stdint.h>

#include <jansson.h>

#include "lib/base/reader.h"
#include "proxy/http_client.h"

enum kbs_status {
    KBS_OK,
    KBS_UNREACHABLE, /* no connection, or no answer in time */
    KBS_NOT_TRUSTED, /* who answers is not the KBS, by its certificate */
    KBS_BUSY,        /* status 429 or 503 */
    KBS_REFUSED,     /* any other status but 200 */
    KBS_PROTOCOL,    /* an answer that is not what the protocol says */
};

/* "kbs-refused" and so on: the reason that the SVSM is told. */
const char *kbs_status_reason(enum kbs_status status);

struct kbs_session;

/* A session without cookie; it keeps the target. NULL without memory. */
MUST_CHECK struct kbs_session *kbs_session_new(const struct http_target *target);
void kbs_session_free(struct kbs_session *session);

/*
 * Posts body (not NULL), or gets if it is NULL, path below the KBS's address. As long as there is
 * no connection, so that the KBS cannot have seen the request, it is tried again until the deadline
 * or until stop (-1: nothing) becomes readable. On success *reply is a JSON object that the caller
 * releases. Otherwise kbs_session_problem() tells more.
 */
MUST_CHECK enum kbs_status kbs_session_request(struct kbs_session *session, const char *path,
                                               const json_t *body, int64_t deadline_ms, int stop,
                                               json_t **reply);

/* What went wrong last, for the log. */
const char *kbs_session_problem(const struct kbs_session *session);

#endif
