/* SPDX-License-Identifier: MIT */
/*
 * Sessions of the attestation protocol: an identifier and a nonce, given at /auth; the nonce serves
 * one attestation within SESSION_NONCE_LIFETIME, and what that is granted lasts as long as the
 * session. Thread-safe.
 *
 * They live in memory, or in the store when several servers share it.
 */
#ifndef SNPVTPM_KBS_PROTOCOL_SESSION_H
#define SNPVTPM_KBS_PROTOCOL_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "kbs/protocol/grant.h"
#include "kbs/store/store.h"
#include "kbs/store/stored_sessions.h"
#include "lib/base/must_check.h"

#define SESSION_ID_LENGTH      STORED_SESSION_ID_LENGTH /* hexadecimal digits: 128 random bits */
#define SESSION_LIFETIME       300                      /* seconds from /auth on */
#define SESSION_NONCE_LIFETIME 120
#define SESSIONS_MAX           4096 /* how many there may be unless the owner says otherwise */

enum session_status {
    SESSION_OK,
    SESSION_UNKNOWN, /* there is none, it is over, or its nonce is too old */
    SESSION_SPENT,   /* its nonce has served */
    SESSION_FULL,    /* there are as many as there may be, and none could be given up */
    SESSION_BUSY,    /* other changes of the store came first, again and again: nothing was done */
    SESSION_FAILED,  /* the store, memory or entropy failed */
};

struct session_nonce {
    uint8_t bytes[STORED_SESSION_NONCE_MAX];
    size_t size;
};

struct sessions;

/* Room for capacity sessions in memory, or in store when it is shared (store_is_shared); the store
 * is borrowed, and NULL means memory. NULL without memory. */
MUST_CHECK struct sessions *sessions_new(size_t capacity, struct store *store);

/* Wipes and frees all. */
void sessions_free(struct sessions *sessions);

/* Opens a session with a nonce of the caller's, and tells its identifier. When there is no room,
 * one is given up for it: the oldest of those that have been granted something when they are more
 * than half, else the oldest of the others. */
MUST_CHECK enum session_status sessions_open(struct sessions *sessions,
                                             const struct session_nonce *nonce, time_t now,
                                             char id[SESSION_ID_LENGTH + 1]);

/* Spends the nonce: one caller of several gets it. */
MUST_CHECK enum session_status sessions_spend(struct sessions *sessions, const char *id, time_t now,
                                              struct session_nonce *nonce);

/*
 * Remembers what a session, whose nonce has been spent, is granted. Where sessions are in the store
 * this is a part of the unit of work that records the attestation; where they are in memory it is
 * done when that unit is durable. So both are called: each does something in its own case only.
 */
MUST_CHECK enum store_status sessions_store_grant(struct sessions *sessions,
                                                  struct store_unit *unit, const char *id,
                                                  const struct grant *grant,
                                                  enum session_status *granted);
MUST_CHECK enum session_status sessions_keep_grant(struct sessions *sessions, const char *id,
                                                   time_t now, const struct grant *grant);

/* What the session was granted; the caller frees it with grant_free. SESSION_UNKNOWN: nothing. */
MUST_CHECK enum session_status sessions_find(struct sessions *sessions, const char *id, time_t now,
                                             struct grant *grant);

/* Whether the session is still good for something: its nonce has not served, or it was granted
 * something. Also false when the store cannot tell. */
MUST_CHECK bool sessions_has_use(struct sessions *sessions, const char *id, time_t now);

#endif
