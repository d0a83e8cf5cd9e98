/* SPDX-License-Identifier: MIT */
/* Sessions of the attestation protocol, where several servers share the store. */
#ifndef SNPVTPM_KBS_STORE_STORED_SESSIONS_H
#define SNPVTPM_KBS_STORE_STORED_SESSIONS_H

#include "kbs/store/store.h"

#define STORED_SESSION_ID_LENGTH 32
#define STORED_SESSION_NONCE_MAX 64   /* bytes */
#define STORED_SESSION_GRANT_MAX 8192 /* bytes */

/* Opens a session; STORE_IN_USE when there are max that are not over at now. Those that are opened
 * at the same moment do not see each other, so a few more may be. */
MUST_CHECK enum store_status stored_session_open(struct store_unit *unit, const char *id,
                                                 const uint8_t *nonce, size_t nonce_size,
                                                 time_t now, time_t expires, unsigned max);

/* Gives one session up where there are max: the oldest of those that have been granted something
 * when they are more than half, else the oldest of the others. */
MUST_CHECK enum store_status stored_session_make_room(struct store_unit *unit, unsigned max);

/* Spends the nonce: for each session once, whichever server asks. STORE_NOT_FOUND: no such
 * session, it is over, or its nonce was opened before not_before; STORE_RETIRED: spent before. */
MUST_CHECK enum store_status stored_session_spend(struct store_unit *unit, const char *id,
                                                  time_t now, time_t not_before,
                                                  uint8_t nonce[STORED_SESSION_NONCE_MAX],
                                                  size_t *nonce_size);

/* Stores what the session was granted. */
MUST_CHECK enum store_status stored_session_grant(struct store_unit *unit, const char *id,
                                                  const void *grant, size_t size);

/* STORE_NOT_FOUND: no such session, it is over, or nothing was granted. */
MUST_CHECK enum store_status stored_session_find(struct store_unit *unit, const char *id,
                                                 time_t now, uint8_t *grant, size_t room,
                                                 size_t *size);

/* STORE_NOT_FOUND unless the session's nonce has not been spent, or it was granted something. */
MUST_CHECK enum store_status stored_session_has_use(struct store_unit *unit, const char *id,
                                                    time_t now);

/* Removes those that are over. */
MUST_CHECK enum store_status stored_session_sweep(struct store_unit *unit, time_t now);

#endif
