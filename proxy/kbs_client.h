/* SPDX-License-Identifier: MIT */
/* HTTP requests to the KBS, within one session of its (its cookie). */
#ifndef SNPVTPM_PROXY_KBS_CLIENT_H
#define SNPVTPM_PROXY_KBS_CLIENT_H

#include <stddef.h>

#include <jansson.h>

#include "lib/base/reader.h"

#define KBS_REPLY_MAX (1024 * 1024) /* bytes */

enum kbs_status {
    KBS_OK,
    KBS_UNREACHABLE, /* no connection, or no answer in time */
    KBS_REFUSED,     /* an answer other than 200 */
    KBS_PROTOCOL,    /* an answer that is not what the protocol says */
};

/* "kbs-refused" and so on: the reason that the SVSM is told. */
const char *kbs_status_reason(enum kbs_status status);

struct kbs_session;

/* A session without cookie, for the KBS at url; NULL without memory. */
MUST_CHECK struct kbs_session *kbs_session_new(const char *url, long timeout_s);

void kbs_session_free(struct kbs_session *session);

/*
 * Posts body (not NULL), or gets if it is NULL, path below the KBS's address. On success *reply is
 * a JSON object that the caller releases. Otherwise kbs_session_problem() tells more.
 */
MUST_CHECK enum kbs_status kbs_session_request(struct kbs_session *session, const char *path,
                                               json_t *body, json_t **reply);

/* What went wrong last, for the log. */
const char *kbs_session_problem(const struct kbs_session *session);

#endif
