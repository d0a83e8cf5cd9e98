/* SPDX-License-Identifier: MIT */
#include "kbs/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

struct sessions {
    size_t capacity;
    struct session slots[];
};

struct sessions *sessions_new(size_t capacity)
{
    struct sessions *sessions =
        calloc(1, sizeof(struct sessions) + capacity * sizeof(struct session));

    if (sessions)
        sessions->capacity = capacity;
    return sessions;
}

static bool is_live(const struct session *session, time_t now)
{
    return session->state != SESSION_FREE && now >= session->opened &&
           now - session->opened < SESSION_LIFETIME;
}

/* A dead slot, else the oldest one that has nothing granted; NULL when every session has. */
static struct session *find_room(struct sessions *sessions, time_t now)
{
    struct session *oldest = NULL;

    for (struct session *s = sessions->slots; s < sessions->slots + sessions->capacity; s++) {
        if (!is_live(s, now))
            return s;
        if (s->state != SESSION_GRANTED && (!oldest || s->opened < oldest->opened))
            oldest = s;
    }
    return oldest;
}

struct session *sessions_open(struct sessions *sessions, time_t now)
{
    struct session *session = find_room(sessions, now);
    uint8_t id[SESSION_ID_LENGTH / 2];

    if (!session)
        return NULL;
    *session = (struct session){.opened = now};
    if (RAND_bytes(id, sizeof(id)) != 1 || RAND_bytes(session->nonce, sizeof(session->nonce)) != 1)
        return NULL;
    for (size_t i = 0; i < sizeof(id); i++)
        sprintf(session->id + 2 * i, "%02x", id[i]);
    session->state = SESSION_CHALLENGED;
    return session;
}

struct session *sessions_find(struct sessions *sessions, const char *id, time_t now)
{
    if (strlen(id) != SESSION_ID_LENGTH)
        return NULL;
    for (struct session *s = sessions->slots; s < sessions->slots + sessions->capacity; s++)
        if (is_live(s, now) && CRYPTO_memcmp(s->id, id, SESSION_ID_LENGTH) == 0)
            return s;
    return NULL;
}

bool session_spend_nonce(struct session *session, time_t now)
{
    bool usable = session->state == SESSION_CHALLENGED && now - session->opened < NONCE_LIFETIME;

    if (session->state == SESSION_CHALLENGED)
        session->state = SESSION_SPENT;
    return usable;
}

void sessions_free(struct sessions *sessions)
{
    if (sessions)
        OPENSSL_cleanse(sessions->slots, sessions->capacity * sizeof(struct session));
    free(sessions);
}
