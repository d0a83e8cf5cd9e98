/* SPDX-License-Identifier: MIT */
#include "kbs/audit/audit_segment.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "kbs/audit/audit_line.h"
#include "kbs/log.h"
#include "kbs/store/db.h"
#include "lib/base/hex.h"

/* The base */

struct found_tail {
    const struct db *db;
    struct audit_tail tail;
    bool broken;
};

static void take_tail(void *context, const struct db_row *row)
{
    struct found_tail *found = context;

    found->tail.seq = (uint64_t)db_row_integer(found->db, row, 0);
    found->broken = !db_row_bytes(found->db, row, 1, found->tail.hash, AUDIT_HASH_SIZE);
}

/* The number and head of the newest segment that a statement selects; zeros when there is none. */
static enum store_status find_tail(struct store_unit *unit, const char *sql,
                                   struct audit_tail *tail)
{
    struct found_tail found = {.db = unit->db};
    enum store_status status = db_run(unit->db, sql, NULL, 0, take_tail, &found, NULL);

    *tail = found.tail;
    return status == STORE_OK && found.broken ? STORE_FAILED : status;
}

enum store_status audit_base(struct store_unit *unit, struct audit_tail *base)
{
    return find_tail(unit,
                     "SELECT last_seq, head FROM audit_segment WHERE pruned <> 0 "
                     "ORDER BY last_seq DESC LIMIT 1",
                     base);
}

/* The head of the newest segment, pruned or not: where the next one begins. */
static enum store_status last_closed(struct store_unit *unit, struct audit_tail *end)
{
    return find_tail(
        unit, "SELECT last_seq, head FROM audit_segment ORDER BY last_seq DESC LIMIT 1", end);
}

/* Segments as they are stored */

struct listed {
    const struct db *db;
    void (*visit)(void *context, const struct audit_segment *segment);
    void *context;
    bool broken;
};

static void list_segment(void *context, const struct db_row *row)
{
    struct listed *listed = context;
    const struct db *db = listed->db;
    struct audit_segment segment = {
        .segment = {.kind = STATEMENT_CLOSED,
                    .first = (uint64_t)db_row_integer(db, row, 0),
                    .last = (uint64_t)db_row_integer(db, row, 1),
                    .time = db_row_integer(db, row, 4)},
        .pruned = db_row_integer(db, row, 7),
    };

    if (!db_row_bytes(db, row, 2, segment.segment.before, AUDIT_HASH_SIZE) ||
        !db_row_bytes(db, row, 3, segment.segment.head, AUDIT_HASH_SIZE) ||
        !db_row_bytes(db, row, 5, segment.signer, SIGNING_KEY_ID_SIZE) ||
        !db_row_text(db, row, 6, segment.statement, sizeof(segment.statement)))
        listed->broken = true;
    else
        listed->visit(listed->context, &segment);
}

#define SEGMENT_COLUMNS                                                                            \
    "SELECT first_seq, last_seq, before, head, closed, signer, statement, pruned "                 \
    "FROM audit_segment "

enum store_status
audit_segment_each(struct store_unit *unit,
                   void (*visit)(void *context, const struct audit_segment *segment), void *context)
{
    struct listed listed = {.db = unit->db, .visit = visit, .context = context};
    enum store_status status =
        db_run(unit->db, SEGMENT_COLUMNS "ORDER BY last_seq", NULL, 0, list_segment, &listed, NULL);

    return status == STORE_OK && listed.broken ? STORE_FAILED : status;
}

struct wanted {
    struct audit_segment *segment;
    bool found;
};

static void take_segment(void *context, const struct audit_segment *segment)
{
    struct wanted *wanted = context;

    *wanted->segment = *segment;
    wanted->found = true;
}

/* The segment that ends with this line and has this head. */
static enum store_status find_segment(struct store_unit *unit, uint64_t last,
                                      const uint8_t head[AUDIT_HASH_SIZE],
                                      struct audit_segment *segment)
{
    struct wanted wanted = {.segment = segment};
    struct listed listed = {.db = unit->db, .visit = take_segment, .context = &wanted};
    enum store_status status =
        DB_RUN(unit->db, SEGMENT_COLUMNS "WHERE last_seq = $1 AND head = $2", list_segment, &listed,
               NULL, db_integer((int64_t)last), db_bytes(head, AUDIT_HASH_SIZE));

    if (status == STORE_OK && listed.broken)
        return STORE_FAILED;
    return status == STORE_OK && !wanted.found ? STORE_NOT_FOUND : status;
}

/* Whether the pruning was signed */

static EVP_PKEY *find_key(void *keyring, const char *kid)
{
    uint8_t id[SIGNING_KEY_ID_SIZE];

    return hex_bytes(kid, id, sizeof(id)) ? keyring_find(keyring, SIGNING_KEY_AUDIT, id) : NULL;
}

struct receipt {
    const struct db *db;
    char text[AUDIT_STATEMENT_MAX + 1];
};

static void take_receipt(void *context, const struct db_row *row)
{
    struct receipt *receipt = context;

    if (!db_row_text(receipt->db, row, 0, receipt->text, sizeof(receipt->text)))
        receipt->text[0] = '\0';
}

static bool is_signed(const char *receipt, struct keyring *keyring, const struct audit_tail *base)
{
    struct statement statement;

    return statement_read(receipt, find_key, keyring, &statement) == JWT_OK &&
           statement.kind == STATEMENT_PRUNED && statement.last == base->seq &&
           memcmp(statement.head, base->hash, sizeof(base->hash)) == 0;
}

enum store_status audit_base_check(struct store_unit *unit, struct keyring *keyring,
                                   const char **problem)
{
    struct receipt receipt = {.db = unit->db};
    struct audit_tail base;
    enum store_status status = audit_base(unit, &base);

    *problem = NULL;
    if (status != STORE_OK || base.seq == 0)
        return status;
    status = DB_RUN(unit->db, "SELECT receipt FROM audit_segment WHERE last_seq = $1", take_receipt,
                    &receipt, NULL, db_integer((int64_t)base.seq));
    if (status != STORE_OK || is_signed(receipt.text, keyring, &base))
        return status;
    /* Another server's newest key may not be known here yet. */
    keyring_invalidate(keyring);
    if (!is_signed(receipt.text, keyring, &base))
        *problem = "that the lines up to here were archived is not signed by this KBS";
    return STORE_OK;
}

enum store_status audit_key_is_needed(struct store_unit *unit,
                                      const uint8_t id[SIGNING_KEY_ID_SIZE])
{
    struct db_value by = db_bytes(id, SIGNING_KEY_ID_SIZE);
    int64_t last;

    return db_ask_integer(unit->db,
                          "SELECT last_seq FROM audit_segment WHERE (signer = $1 AND pruned = 0) "
                          "OR (receipt_signer = $1 AND last_seq = "
                          "(SELECT max(last_seq) FROM audit_segment WHERE pruned <> 0)) "
                          "ORDER BY last_seq LIMIT 1",
                          &by, 1, &last);
}

/* Keys */

static bool has_key(struct keyring *keyring)
{
    uint8_t id[SIGNING_KEY_ID_SIZE];
    EVP_PKEY *key = keyring_active(keyring, SIGNING_KEY_AUDIT, id);

    EVP_PKEY_free(key);
    return key != NULL;
}

static enum store_status make_key(struct store_unit *unit, time_t now)
{
    uint8_t id[SIGNING_KEY_ID_SIZE];
    char text[2 * SIGNING_KEY_ID_SIZE + 1];
    enum store_status status = keyring_generate(unit, SIGNING_KEY_AUDIT, now, id);

    if (status != STORE_OK)
        return status;
    hex_text(id, sizeof(id), text);
    return audit_append(unit, "key-made", LOG_MEMBERS({"use", "audit"}, {"id", text}), now);
}

enum store_status audit_segment_make_key(struct store *store, struct keyring *keyring, time_t now)
{
    struct store_unit *unit;
    enum store_status status;

    if (has_key(keyring))
        return STORE_OK;
    status = store_begin(store, &unit);
    if (status != STORE_OK)
        return status;
    status = make_key(unit, now);
    if (status == STORE_OK)
        status = store_commit(unit);
    else
        store_abandon(unit);
    keyring_invalidate(keyring);
    return status;
}

/* Closing and pruning */

/* Signs with the active key, and tells its id. */
static enum store_status sign(struct keyring *keyring, const struct statement *statement,
                              char text[AUDIT_STATEMENT_MAX + 1], uint8_t id[SIGNING_KEY_ID_SIZE])
{
    EVP_PKEY *key = keyring_active(keyring, SIGNING_KEY_AUDIT, id);
    char *made = key ? statement_sign(key, id, statement) : NULL;
    bool fits = made && strlen(made) <= AUDIT_STATEMENT_MAX;

    if (fits)
        strcpy(text, made);
    free(made);
    EVP_PKEY_free(key);
    return fits ? STORE_OK : STORE_FAILED;
}

static enum store_status store_segment(struct store_unit *unit, const struct audit_segment *segment)
{
    const struct statement *closed = &segment->segment;

    return DB_RUN(unit->db,
                  "INSERT INTO audit_segment (first_seq, last_seq, before, head, closed, signer, "
                  "statement) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                  NULL, NULL, NULL, db_integer((int64_t)closed->first),
                  db_integer((int64_t)closed->last), db_bytes(closed->before, AUDIT_HASH_SIZE),
                  db_bytes(closed->head, AUDIT_HASH_SIZE), db_integer(closed->time),
                  db_bytes(segment->signer, SIGNING_KEY_ID_SIZE), db_text(segment->statement));
}

enum store_status audit_segment_close(struct store_unit *unit, struct keyring *keyring,
                                      uint64_t last, const uint8_t head[AUDIT_HASH_SIZE],
                                      time_t now, struct audit_segment *segment)
{
    struct audit_tail line = {.seq = last}, end;
    enum store_status status = db_serialize(unit->db);

    if (status == STORE_OK)
        status = last_closed(unit, &end);
    if (status != STORE_OK)
        return status;
    if (last <= end.seq)
        return STORE_EXISTS;
    memcpy(line.hash, head, sizeof(line.hash));
    status = audit_has(unit, &line);
    if (status != STORE_OK)
        return status;
    *segment = (struct audit_segment){
        .segment = {.kind = STATEMENT_CLOSED, .first = end.seq + 1, .last = last, .time = now}};
    memcpy(segment->segment.before, end.hash, AUDIT_HASH_SIZE);
    memcpy(segment->segment.head, head, AUDIT_HASH_SIZE);
    status = sign(keyring, &segment->segment, segment->statement, segment->signer);
    return status == STORE_OK ? store_segment(unit, segment) : status;
}

/* Whether the log begins with this segment. */
static enum store_status check_order(struct store_unit *unit, const struct audit_segment *segment)
{
    struct audit_tail base;
    enum store_status status = audit_base(unit, &base);

    if (status != STORE_OK)
        return status;
    return base.seq + 1 == segment->segment.first ? STORE_OK : STORE_IN_USE;
}

enum store_status audit_segment_prune(struct store_unit *unit, struct keyring *keyring,
                                      uint64_t last, const uint8_t head[AUDIT_HASH_SIZE],
                                      time_t now, struct audit_segment *segment)
{
    char receipt[AUDIT_STATEMENT_MAX + 1];
    uint8_t signer[SIGNING_KEY_ID_SIZE];
    struct statement pruned;
    enum store_status status = db_serialize(unit->db);

    if (status == STORE_OK)
        status = find_segment(unit, last, head, segment);
    if (status == STORE_OK && segment->pruned)
        status = STORE_RETIRED;
    if (status == STORE_OK)
        status = check_order(unit, segment);
    if (status != STORE_OK)
        return status;
    pruned = segment->segment;
    pruned.kind = STATEMENT_PRUNED;
    pruned.time = segment->pruned = now;
    status = sign(keyring, &pruned, receipt, signer);
    return status == STORE_OK ? DB_CHANGE(unit->db,
                                          "UPDATE audit_segment SET pruned = $2, receipt = $3, "
                                          "receipt_signer = $4 WHERE last_seq = $1",
                                          db_integer((int64_t)last), db_integer(now),
                                          db_text(receipt), db_bytes(signer, sizeof(signer)))
                              : status;
}

enum store_status audit_remove_pruned(struct store_unit *unit, unsigned limit, uint64_t *count)
{
    struct audit_tail base;
    enum store_status status = audit_base(unit, &base);

    *count = 0;
    if (status != STORE_OK || base.seq == 0)
        return status;
    return DB_RUN(unit->db,
                  "DELETE FROM audit WHERE seq IN (SELECT seq FROM audit WHERE seq <= $1 "
                  "ORDER BY seq LIMIT $2)",
                  NULL, NULL, count, db_integer((int64_t)base.seq), db_integer(limit));
}

/* What can be archived */

struct line_time {
    uint64_t seq;
    time_t time;
    bool found;
};

static void take_time(void *context, const struct audit_entry *entry)
{
    struct line_time *line = context;

    line->found = entry->seq == line->seq;
    line->time = entry->time;
}

/* Lines are written one after the other, so their times grow, but for what the clocks of several
 * servers differ: halving the span finds a line of about that time without reading all. */
enum store_status audit_segment_candidate(struct store_unit *unit, time_t until, uint64_t *last)
{
    struct audit_tail end, tail = {0};
    enum store_status status = last_closed(unit, &end);
    uint64_t older, newer;

    if (status == STORE_OK)
        status = audit_tail(unit, &tail);
    older = end.seq;
    newer = tail.seq + 1;
    while (status == STORE_OK && newer > older + 1) {
        struct line_time line = {.seq = older + (newer - older) / 2};

        status = audit_each(unit, line.seq, 1, take_time, &line);
        if (status == STORE_OK && line.found && line.time <= until)
            older = line.seq;
        else
            newer = line.seq;
    }
    *last = older > end.seq ? older : 0;
    return status;
}
