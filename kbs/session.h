/* SPDX-License-Identifier: MIT */
/*
 * The sessions between a client's first request and the release of its secret.
 *
 * The table is of fixed size, because anybody may open a session: when it is full, the oldest
 * session that has not been granted anything makes room. Not thread-safe.
 */
#ifndef SNPVTPM_KBS_SESSION_H
#define SNPVTPM_KBS_SESSION_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "kbs/evidence/evidence.h"
#include "lib/base/reader.h"
#include "lib/jose/p521.h"
#include "lib/snp/report.h"

#define SESSION_ID_LENGTH  32 /* hexadecimal digits */
#define SESSION_NONCE_SIZE 32
#define SESSION_LIFETIME   300 /* seconds, from its first request on */
#define NONCE_LIFETIME     120 /* seconds */

enum session_state {
    SESSION_FREE,
    SESSION_CHALLENGED, /* the nonce has not been used */
    SESSION_SPENT,      /* the nonce has been used, nothing has been granted */
    SESSION_GRANTED,    /* the secret of measurement may go to key */
};

struct session {
    enum session_state state;
    char id[SESSION_ID_LENGTH + 1];
    time_t opened;
    uint8_t nonce[SESSION_NONCE_SIZE];

    /* once granted */
    uint8_t measurement[LAUNCH_DIGEST_SIZE];
    struct p521_point key;
    enum platform platform;
};

struct sessions;

/* A table for capacity sessions; NULL when out of memory. */
MUST_CHECK struct sessions *sessions_new(size_t capacity);

/* A new session with a fresh id and nonce; NULL when all are granted, or without randomness. */
MUST_CHECK struct session *sessions_open(struct sessions *sessions, time_t now);

/* The live session with this id, or NULL. */
MUST_CHECK struct session *sessions_find(struct sessions *sessions, const char *id, time_t now);

/* Uses the nonce up; false when it was used before or is too old. */
MUST_CHECK bool session_spend_nonce(struct session *session, time_t now);

void sessions_free(struct sessions *sessions);

#endif
