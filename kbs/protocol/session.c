/* SPDX-License-Identifier: MIT */
#include "kbs/protocol/session.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "kbs/protocol/session_table.h"
#include "lib/base/hex.h"

#define SWEEP_INTERVAL 10 /* seconds between removals of what is over in the store */

struct sessions {
    struct session_table *table; /* NULL: in the store */
    struct store *store;
    unsigned capacity;
    _Atomic time_t swept;
};

struct sessions *sessions_new(size_t capacity, struct store *store)
{
    struct sessions *sessions = calloc(1, sizeof(*sessions));

    if (!sessions)
        return NULL;
    sessions->capacity = (unsigned)capacity;
    if (store && store_is_shared(store)) {
        sessions->store = store;
        return sessions;
    }
    sessions->table = session_table_new(capacity);
    if (sessions->table)
        return sessions;
    free(sessions);
    return NULL;
}

void sessions_free(struct sessions *sessions)
{
    if (sessions)
        session_table_free(sessions->table);
    free(sessions);
}

static bool is_id(const char *id)
{
    return strlen(id) == SESSION_ID_LENGTH && strspn(id, "0123456789abcdef") == SESSION_ID_LENGTH;
}

static bool make_id(char id[SESSION_ID_LENGTH + 1])
{
    uint8_t random[SESSION_ID_LENGTH / 2];

    if (RAND_bytes(random, sizeof(random)) != 1)
        return false;
    hex_text(random, sizeof(random), id);
    return true;
}

/* In the store */

static enum session_status status_of(enum store_status status)
{
    switch (status) {
    case STORE_OK:
        return SESSION_OK;
    case STORE_NOT_FOUND:
        return SESSION_UNKNOWN;
    case STORE_RETIRED:
        return SESSION_SPENT;
    case STORE_IN_USE:
        return SESSION_FULL;
    case STORE_CONFLICT:
        return SESSION_BUSY;
    default:
        return SESSION_FAILED;
    }
}

/* Whether it is this thread's turn to remove what is over. */
static bool is_sweep_due(struct sessions *sessions, time_t now)
{
    time_t swept = sessions->swept;

    return (now < swept || now - swept >= SWEEP_INTERVAL) &&
           atomic_compare_exchange_strong(&sessions->swept, &swept, now);
}

struct opening {
    const char *id;
    const struct session_nonce *nonce;
    time_t now;
    unsigned capacity;
    bool sweeps;
};

static enum store_status open_in(const struct opening *opening, struct store_unit *unit)
{
    return stored_session_open(unit, opening->id, opening->nonce->bytes, opening->nonce->size,
                               opening->now, opening->now + SESSION_LIFETIME, opening->capacity);
}

/* A store_work. */
static enum store_status open_stored(struct store_unit *unit, void *context)
{
    const struct opening *opening = context;
    enum store_status status =
        opening->sweeps ? stored_session_sweep(unit, opening->now) : STORE_OK;

    if (status == STORE_OK)
        status = open_in(opening, unit);
    if (status != STORE_IN_USE)
        return status;
    status = stored_session_make_room(unit, opening->capacity);
    if (status == STORE_NOT_FOUND)
        return STORE_IN_USE;
    return status == STORE_OK ? open_in(opening, unit) : status;
}

struct spending {
    const char *id;
    time_t now;
    struct session_nonce *nonce;
};

/* A store_work. */
static enum store_status spend_stored(struct store_unit *unit, void *context)
{
    const struct spending *spending = context;

    return stored_session_spend(unit, spending->id, spending->now,
                                spending->now - SESSION_NONCE_LIFETIME + 1, spending->nonce->bytes,
                                &spending->nonce->size);
}

static enum session_status find_stored(struct sessions *sessions, const char *id, time_t now,
                                       uint8_t *grant, size_t *size)
{
    struct store_unit *unit;
    enum store_status status;

    if (store_begin_reading(sessions->store, &unit) != STORE_OK)
        return SESSION_FAILED;
    status = stored_session_find(unit, id, now, grant, GRANT_SIZE_MAX, size);
    store_abandon(unit);
    return status_of(status);
}

static bool has_use_stored(struct sessions *sessions, const char *id, time_t now)
{
    struct store_unit *unit;
    bool has_use;

    if (store_begin_reading(sessions->store, &unit) != STORE_OK)
        return false;
    has_use = stored_session_has_use(unit, id, now) == STORE_OK;
    store_abandon(unit);
    return has_use;
}

/* Wherever they are */

enum session_status sessions_open(struct sessions *sessions, const struct session_nonce *nonce,
                                  time_t now, char id[SESSION_ID_LENGTH + 1])
{
    struct opening opening = {.id = id, .nonce = nonce, .now = now, .capacity = sessions->capacity};

    if (!make_id(id))
        return SESSION_FAILED;
    if (!sessions->table) {
        opening.sweeps = is_sweep_due(sessions, now);
        return status_of(store_change_sessions(sessions->store, open_stored, &opening));
    }
    session_table_open(sessions->table, id, nonce, now);
    return SESSION_OK;
}

enum session_status sessions_spend(struct sessions *sessions, const char *id, time_t now,
                                   struct session_nonce *nonce)
{
    struct spending spending = {.id = id, .now = now, .nonce = nonce};

    if (!is_id(id))
        return SESSION_UNKNOWN;
    return sessions->table
               ? session_table_spend(sessions->table, id, now, nonce)
               : status_of(store_change_sessions(sessions->store, spend_stored, &spending));
}

enum store_status sessions_store_grant(struct sessions *sessions, struct store_unit *unit,
                                       const char *id, const struct grant *grant,
                                       enum session_status *granted)
{
    uint8_t encoded[GRANT_SIZE_MAX];
    enum store_status status;
    size_t size;

    *granted = SESSION_OK;
    if (sessions->table)
        return STORE_OK;
    if (!grant_encode(grant, encoded, &size)) {
        *granted = SESSION_FAILED;
        return STORE_OK;
    }
    status = stored_session_grant(unit, id, encoded, size);
    if (status != STORE_NOT_FOUND)
        return status;
    *granted = SESSION_UNKNOWN;
    return STORE_OK;
}

enum session_status sessions_keep_grant(struct sessions *sessions, const char *id, time_t now,
                                        const struct grant *grant)
{
    uint8_t encoded[GRANT_SIZE_MAX];
    size_t size;

    if (!sessions->table)
        return SESSION_OK;
    if (!is_id(id))
        return SESSION_UNKNOWN;
    return grant_encode(grant, encoded, &size)
               ? session_table_grant(sessions->table, id, now, encoded, size)
               : SESSION_FAILED;
}

enum session_status sessions_find(struct sessions *sessions, const char *id, time_t now,
                                  struct grant *grant)
{
    uint8_t encoded[GRANT_SIZE_MAX];
    enum session_status status;
    size_t size;

    if (!is_id(id))
        return SESSION_UNKNOWN;
    status = sessions->table ? session_table_find(sessions->table, id, now, encoded, &size)
                             : find_stored(sessions, id, now, encoded, &size);
    if (status == SESSION_OK && !grant_decode(encoded, size, grant))
        status = SESSION_FAILED;
    return status;
}

bool sessions_has_use(struct sessions *sessions, const char *id, time_t now)
{
    if (!is_id(id))
        return false;
    return sessions->table ? session_table_has_use(sessions->table, id, now)
                           : has_use_stored(sessions, id, now);
}
