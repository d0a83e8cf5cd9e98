/* SPDX-License-Identifier: MIT */
/* The log itself: appending, reading and verifying. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "kbs/audit/audit_line.h"
#include "kbs/audit/audit_segment.h"
#include "kbs/store/db.h"
#include "lib/base/printable.h"
#include "lib/base/utc.h"

bool audit_hash(const uint8_t before[AUDIT_HASH_SIZE], const char *line, size_t length,
                uint8_t hash[AUDIT_HASH_SIZE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool hashed = context && EVP_DigestInit_ex2(context, EVP_sha256(), NULL) == 1 &&
                  EVP_DigestUpdate(context, before, AUDIT_HASH_SIZE) == 1 &&
                  EVP_DigestUpdate(context, line, length) == 1 &&
                  EVP_DigestFinal_ex(context, hash, NULL) == 1;

    EVP_MD_CTX_free(context);
    return hashed;
}

struct found {
    const struct db *db;
    struct audit_tail tail;
    bool whole;
};

static void take_tail(void *context, const struct db_row *row)
{
    struct found *found = context;

    found->tail.seq = (uint64_t)db_row_integer(found->db, row, 0);
    found->whole = db_row_bytes(found->db, row, 1, found->tail.hash, AUDIT_HASH_SIZE);
}

enum store_status audit_tail(struct store_unit *unit, struct audit_tail *tail)
{
    struct found found = {.db = unit->db, .whole = true};
    enum store_status status = db_run(unit->db, "SELECT seq, hash FROM audit_head WHERE one = 1",
                                      NULL, 0, take_tail, &found, NULL);

    *tail = found.tail;
    return status == STORE_OK && !found.whole ? STORE_FAILED : status;
}

enum store_status audit_head(struct store_unit *unit, uint64_t *seq, uint8_t hash[AUDIT_HASH_SIZE])
{
    struct audit_tail tail;
    enum store_status status = audit_tail(unit, &tail);

    *seq = tail.seq;
    memcpy(hash, tail.hash, AUDIT_HASH_SIZE);
    return status;
}

enum store_status audit_lock(struct store_unit *unit, struct audit_tail *tail)
{
    enum store_status status = db_serialize(unit->db);

    *tail = (struct audit_tail){0};
    return status == STORE_OK ? audit_tail(unit, tail) : status;
}

enum store_status audit_store_tail(struct store_unit *unit, const struct audit_tail *tail)
{
    return DB_RUN(unit->db,
                  "INSERT INTO audit_head (one, seq, hash) VALUES (1, $1, $2) "
                  "ON CONFLICT (one) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
                  NULL, NULL, NULL, db_integer((int64_t)tail->seq),
                  db_bytes(tail->hash, AUDIT_HASH_SIZE));
}

enum store_status audit_has(struct store_unit *unit, const struct audit_tail *tail)
{
    const struct db_value by[] = {db_integer((int64_t)tail->seq),
                                  db_bytes(tail->hash, AUDIT_HASH_SIZE)};
    int64_t seq;

    return db_ask_integer(unit->db, "SELECT seq FROM audit WHERE seq = $1 AND hash = $2", by, 2,
                          &seq);
}

static char *text_of(const json_t *line)
{
    return json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII);
}

/* The text of a line whose own texts are cut after max characters. NULL without memory. */
static char *cut_line(json_t *line, size_t max)
{
    json_t *cut = json_copy(line);
    char *text = NULL, shorter[AUDIT_LINE_MAX];
    const char *name;
    json_t *value;

    json_object_foreach(line, name, value)
    {
        if (json_string_length(value) > max)
            json_object_set_new(
                cut, name,
                json_string(printable_write(json_string_value(value), json_string_length(value),
                                            shorter, max + 1)));
    }
    if (cut)
        text = text_of(cut);
    json_decref(cut);
    return text;
}

/* The text of a line, with its own texts as long as they may be. NULL without memory. */
static char *fit_line(json_t *line)
{
    static const size_t bounds[] = {1024, 256, PRINTABLE_ROOM_MIN};
    char *text = text_of(line);

    for (size_t i = 0;
         text && strlen(text) > AUDIT_LINE_MAX && i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        free(text);
        text = cut_line(line, bounds[i]);
    }
    return text;
}

/* The line as it is stored: seq, time and event, then the members in the order they were set. */
static char *format_line(uint64_t seq, const char *event, json_t *members, time_t now)
{
    char when[UTC_TEXT_SIZE];
    json_t *line;
    char *text = NULL;

    utc_text(now, when);
    line = json_pack("{s:I, s:s, s:s}", "seq", (json_int_t)seq, "time", when, "event", event);
    if (line && json_object_update_missing(line, members) == 0)
        text = fit_line(line);
    json_decref(line);
    return text;
}

enum store_status audit_add(struct store_unit *unit, struct audit_tail *tail, const char *event,
                            json_t *members, time_t now, char **line)
{
    struct audit_tail next = {.seq = tail->seq + 1};
    enum store_status status = STORE_FAILED;

    *line = format_line(next.seq, event, members, now);
    if (*line && strlen(*line) <= AUDIT_LINE_MAX &&
        audit_hash(tail->hash, *line, strlen(*line), next.hash))
        status =
            DB_RUN(unit->db, "INSERT INTO audit (seq, time, line, hash) VALUES ($1, $2, $3, $4)",
                   NULL, NULL, NULL, db_integer((int64_t)next.seq), db_integer(now), db_text(*line),
                   db_bytes(next.hash, sizeof(next.hash)));
    if (status == STORE_OK) {
        *tail = next;
    } else {
        free(*line);
        *line = NULL;
    }
    return status;
}

enum store_status audit_append_line(struct store_unit *unit, const char *event, json_t *members,
                                    time_t now, char **line)
{
    struct audit_tail tail;
    enum store_status status = members ? audit_lock(unit, &tail) : STORE_FAILED;

    *line = NULL;
    if (status == STORE_OK)
        status = audit_add(unit, &tail, event, members, now, line);
    if (status == STORE_OK)
        status = audit_store_tail(unit, &tail);
    if (status != STORE_OK) {
        free(*line);
        *line = NULL;
    }
    json_decref(members);
    return status;
}

enum store_status audit_append(struct store_unit *unit, const char *event, json_t *members,
                               time_t now)
{
    char *line;
    enum store_status status = audit_append_line(unit, event, members, now, &line);

    free(line);
    return status;
}

/* Reading */

struct visited {
    const struct db *db;
    audit_visit_row *visit;
    void *context;
    bool short_of_memory;
};

static void visit_row(void *context, const struct db_row *from)
{
    struct visited *visited = context;
    struct db_value line = db_row_value(visited->db, from, 2);
    char *text = calloc(1, line.size + 1);
    struct audit_row row = {
        .entry = {.seq = (uint64_t)db_row_integer(visited->db, from, 0),
                  .time = db_row_integer(visited->db, from, 1),
                  .line = text},
        .length = line.size,
    };

    if (!text) {
        visited->short_of_memory = true;
        return;
    }
    if (line.size > 0)
        memcpy(text, line.bytes, line.size);
    row.broken = strlen(text) != line.size || line.size > AUDIT_LINE_MAX ||
                 !db_row_bytes(visited->db, from, 3, row.entry.hash, AUDIT_HASH_SIZE);
    visited->visit(visited->context, &row);
    free(text);
}

enum store_status audit_each_row(struct store_unit *unit, uint64_t seq, unsigned limit,
                                 audit_visit_row *visit, void *context)
{
    struct visited visited = {.db = unit->db, .visit = visit, .context = context};
    enum store_status status = DB_RUN(
        unit->db, "SELECT seq, time, line, hash FROM audit WHERE seq >= $1 ORDER BY seq LIMIT $2",
        visit_row, &visited, NULL, db_integer(seq < INT64_MAX ? (int64_t)seq : INT64_MAX),
        db_integer(limit ? limit : INT64_MAX));

    return status == STORE_OK && visited.short_of_memory ? STORE_FAILED : status;
}

struct listed {
    void (*visit)(void *context, const struct audit_entry *entry);
    void *context;
};

static void list_row(void *context, const struct audit_row *row)
{
    const struct listed *listed = context;

    listed->visit(listed->context, &row->entry);
}

enum store_status audit_each(struct store_unit *unit, uint64_t seq, unsigned limit,
                             void (*visit)(void *context, const struct audit_entry *entry),
                             void *context)
{
    struct listed listed = {.visit = visit, .context = context};
    struct audit_tail base;
    enum store_status status = audit_base(unit, &base);

    /* What was pruned may still be there for a while. */
    return status == STORE_OK
               ? audit_each_row(unit, seq > base.seq ? seq : base.seq + 1, limit, list_row, &listed)
               : status;
}
