/* SPDX-License-Identifier: MIT */
#include "kbs/store/stored_sessions.h"

#include <string.h>

#include "kbs/store/db.h"

enum state {
    STATE_CHALLENGED = 1,
    STATE_SPENT = 2,
    STATE_GRANTED = 3,
};

enum store_status stored_session_open(struct store_unit *unit, const char *id, const uint8_t *nonce,
                                      size_t nonce_size, time_t now, time_t expires, unsigned max)
{
    struct db_value by = db_integer(now);
    int64_t live = 0;
    enum store_status status;

    if (nonce_size > STORED_SESSION_NONCE_MAX || strlen(id) != STORED_SESSION_ID_LENGTH)
        return STORE_FAILED;
    status = db_ask_integer(unit->db, "SELECT count(*) FROM kbs_session WHERE expires > $1", &by, 1,
                            &live);
    if (status == STORE_OK && live >= max)
        return STORE_IN_USE;
    return status == STORE_OK
               ? DB_RUN(unit->db,
                        "INSERT INTO kbs_session (id, nonce, opened, expires, state) "
                        "VALUES ($1, $2, $3, $4, $5)",
                        NULL, NULL, NULL, db_text(id), db_bytes(nonce, nonce_size), by,
                        db_integer(expires), db_integer(STATE_CHALLENGED))
               : status;
}

enum store_status stored_session_make_room(struct store_unit *unit, unsigned max)
{
    struct db_value granted = db_integer(STATE_GRANTED);
    int64_t count = 0;
    enum store_status status = db_ask_integer(
        unit->db, "SELECT count(*) FROM kbs_session WHERE state = $1", &granted, 1, &count);

    if (status != STORE_OK)
        return status;
    return count > max / 2
               ? DB_CHANGE(unit->db,
                           "DELETE FROM kbs_session WHERE id = (SELECT id FROM kbs_session "
                           "WHERE state = $1 ORDER BY opened, id LIMIT 1)",
                           granted)
               : DB_CHANGE(unit->db,
                           "DELETE FROM kbs_session WHERE id = (SELECT id FROM kbs_session "
                           "WHERE state <> $1 ORDER BY opened, id LIMIT 1)",
                           granted);
}

struct fetched {
    const struct db *db;
    uint8_t *bytes;
    size_t room, size;
    bool found, fits;
};

static void take_bytes(void *context, const struct db_row *row)
{
    struct fetched *fetched = context;
    struct db_value value = db_row_value(fetched->db, row, 0);

    fetched->found = true;
    fetched->fits = value.size > 0 && value.size <= fetched->room;
    if (!fetched->fits)
        return;
    memcpy(fetched->bytes, value.bytes, value.size);
    fetched->size = value.size;
}

static enum store_status outcome(const struct fetched *fetched, enum store_status status,
                                 size_t *size)
{
    *size = fetched->size;
    if (status != STORE_OK)
        return status;
    if (!fetched->found)
        return STORE_NOT_FOUND;
    return fetched->fits ? STORE_OK : STORE_FAILED;
}

/* One statement, so that of two servers that ask at once only one gets the nonce. */
enum store_status stored_session_spend(struct store_unit *unit, const char *id, time_t now,
                                       time_t not_before, uint8_t nonce[STORED_SESSION_NONCE_MAX],
                                       size_t *nonce_size)
{
    struct fetched fetched = {.db = unit->db, .bytes = nonce, .room = STORED_SESSION_NONCE_MAX};
    const struct db_value by[] = {db_text(id), db_integer(now)};
    int64_t state = 0;
    enum store_status status =
        DB_RUN(unit->db,
               "UPDATE kbs_session SET state = $5 WHERE id = $1 AND expires > $2 AND opened >= $3 "
               "AND state = $4 RETURNING nonce",
               take_bytes, &fetched, NULL, by[0], by[1], db_integer(not_before),
               db_integer(STATE_CHALLENGED), db_integer(STATE_SPENT));

    status = outcome(&fetched, status, nonce_size);
    if (status != STORE_NOT_FOUND)
        return status;
    status = db_ask_integer(
        unit->db, "SELECT state FROM kbs_session WHERE id = $1 AND expires > $2", by, 2, &state);
    return status == STORE_OK && state != STATE_CHALLENGED ? STORE_RETIRED
           : status == STORE_OK                            ? STORE_NOT_FOUND
                                                           : status;
}

enum store_status stored_session_grant(struct store_unit *unit, const char *id, const void *grant,
                                       size_t size)
{
    if (size == 0 || size > STORED_SESSION_GRANT_MAX)
        return STORE_FAILED;
    return DB_CHANGE(unit->db,
                     "UPDATE kbs_session SET state = $3, granted = $2 "
                     "WHERE id = $1 AND state = $4",
                     db_text(id), db_bytes(grant, size), db_integer(STATE_GRANTED),
                     db_integer(STATE_SPENT));
}

enum store_status stored_session_find(struct store_unit *unit, const char *id, time_t now,
                                      uint8_t *grant, size_t room, size_t *size)
{
    struct fetched fetched = {.db = unit->db, .bytes = grant, .room = room};
    enum store_status status = DB_RUN(
        unit->db, "SELECT granted FROM kbs_session WHERE id = $1 AND expires > $2 AND state = $3",
        take_bytes, &fetched, NULL, db_text(id), db_integer(now), db_integer(STATE_GRANTED));

    return outcome(&fetched, status, size);
}

enum store_status stored_session_has_use(struct store_unit *unit, const char *id, time_t now)
{
    const struct db_value by[] = {db_text(id), db_integer(now), db_integer(STATE_SPENT)};
    int64_t state;

    return db_ask_integer(
        unit->db, "SELECT state FROM kbs_session WHERE id = $1 AND expires > $2 AND state <> $3",
        by, 3, &state);
}

enum store_status stored_session_sweep(struct store_unit *unit, time_t now)
{
    return DB_RUN(unit->db, "DELETE FROM kbs_session WHERE expires <= $1", NULL, NULL, NULL,
                  db_integer(now));
}
