/* SPDX-License-Identifier: MIT */
/*
 * The Key Broker Service protocol 0.4.0 in the dialect of COCONUT-SVSM, apart from its transport:
 *
 *   POST /kbs/v0/auth                           opens a session, gives a nonce
 *   POST /kbs/v0/attest                         verifies evidence over that nonce
 *   GET  /kbs/v0/resource/default/sample/test   gives the session's secret, encrypted to its key
 */
#ifndef SNPVTPM_KBS_API_H
#define SNPVTPM_KBS_API_H

#include <time.h>

#include "kbs/evidence/trust.h"
#include "kbs/session.h"
#include "kbs/store.h"

#define API_BODY_MAX 65536 /* bytes */

/* What requests are answered from; everything is borrowed. */
struct api {
    struct store *store;
    struct sessions *sessions;
    const struct trust *trust;
};

struct api_request {
    const char *method, *path;
    const char *session_id; /* of the cookie kbs-session-id, or NULL */
    const char *peer;       /* address, for the log */
    const void *body;
    size_t body_size; /* at most API_BODY_MAX */
    time_t now;
};

struct api_reply {
    unsigned status;                        /* HTTP's */
    char *body;                             /* JSON; the caller frees it; NULL without memory */
    char session_id[SESSION_ID_LENGTH + 1]; /* to be set as the cookie, or empty */
};

/* Answers one request. Not thread-safe. */
void api_answer(struct api *api, const struct api_request *request, struct api_reply *reply);

/* Fills in an error body as Trustee's; variant names the kind,
 * code is all that the client learns. */
void api_refuse(struct api_reply *reply, unsigned status, const char *variant, const char *code);

#endif
