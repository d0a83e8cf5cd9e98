/* SPDX-License-Identifier: MIT */
/* The log itself: appending, reading and verifying. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "kbs/audit/audit_line.h"
#include "kbs/store/db.h"

static bool chain_hash(const uint8_t before[AUDIT_HASH_SIZE], const char *line, size_t length,
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

struct head {
    const struct db *db;
    uint64_t seq;
    uint8_t hash[AUDIT_HASH_SIZE];
    bool found, whole;
};

static void take_head(void *context, const struct db_row *row)
{
    struct head *head = context;

    head->found = true;
    head->seq = (uint64_t)db_row_integer(head->db, row, 0);
    head->whole = db_row_bytes(head->db, row, 1, head->hash, sizeof(head->hash));
}

static enum store_status read_head(struct store_unit *unit, const char *sql, struct head *head)
{
    enum store_status status;

    *head = (struct head){.db = unit->db};
    status = db_run(unit->db, sql, NULL, 0, take_head, head, NULL);
    return status == STORE_OK && head->found && !head->whole ? STORE_FAILED : status;
}

enum store_status audit_head(struct store_unit *unit, uint64_t *seq, uint8_t hash[AUDIT_HASH_SIZE])
{
    struct head head;
    enum store_status status =
        read_head(unit, "SELECT seq, hash FROM audit_head WHERE one = 1", &head);

    *seq = head.seq;
    memcpy(hash, head.hash, AUDIT_HASH_SIZE);
    return status;
}

/* The head, which from here to the end of the unit is this unit's alone: the update locks its row.
 */
static enum store_status lock_head(struct store_unit *unit, struct head *head)
{
    static const uint8_t none[AUDIT_HASH_SIZE];
    enum store_status status = DB_RUN(unit->db,
                                      "INSERT INTO audit_head (one, seq, hash) VALUES (1, 0, $1) "
                                      "ON CONFLICT (one) DO NOTHING",
                                      NULL, NULL, NULL, db_bytes(none, sizeof(none)));

    return status == STORE_OK ? read_head(unit,
                                          "UPDATE audit_head SET seq = seq WHERE one = 1 "
                                          "RETURNING seq, hash",
                                          head)
                              : status;
}

/* The line as it is stored: seq, time and event first, then the members sorted by name. */
static char *format_line(uint64_t seq, const char *event, json_t *members, time_t now)
{
    char when[sizeof("2026-01-01T00:00:00Z")];
    struct tm utc;
    json_t *line;
    const char *name;
    json_t *value;
    char *text;

    gmtime_r(&now, &utc);
    strftime(when, sizeof(when), "%FT%TZ", &utc);
    line = json_pack("{s:I, s:s, s:s}", "seq", (json_int_t)seq, "time", when, "event", event);
    json_object_foreach(members, name, value) if (line && json_object_set(line, name, value) != 0)
    {
        json_decref(line);
        line = NULL;
    }
    text = line ? json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    json_decref(line);
    return text;
}

static enum store_status store_line(struct store_unit *unit, const struct head *head,
                                    const char *line, time_t now)
{
    uint8_t hash[AUDIT_HASH_SIZE];
    enum store_status status;

    if (strlen(line) > AUDIT_LINE_MAX || !chain_hash(head->hash, line, strlen(line), hash))
        return STORE_FAILED;
    status = DB_RUN(unit->db, "INSERT INTO audit (seq, time, line, hash) VALUES ($1, $2, $3, $4)",
                    NULL, NULL, NULL, db_integer((int64_t)head->seq + 1), db_integer(now),
                    db_text(line), db_bytes(hash, sizeof(hash)));
    return status == STORE_OK
               ? DB_CHANGE(unit->db, "UPDATE audit_head SET seq = $1, hash = $2 WHERE one = 1",
                           db_integer((int64_t)head->seq + 1), db_bytes(hash, sizeof(hash)))
               : status;
}

enum store_status audit_append_line(struct store_unit *unit, const char *event, json_t *members,
                                    time_t now, char **line)
{
    struct head head;
    enum store_status status = members ? lock_head(unit, &head) : STORE_FAILED;

    *line = NULL;
    if (status == STORE_OK) {
        *line = format_line(head.seq + 1, event, members, now);
        status = *line ? store_line(unit, &head, *line, now) : STORE_FAILED;
    }
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

struct visited {
    const struct db *db;
    void (*visit)(void *context, const struct audit_entry *entry);
    void *context;
    bool failed;
};

static void visit_entry(void *context, const struct db_row *row)
{
    struct visited *visited = context;
    const struct db_value line = db_row_value(visited->db, row, 2);
    char *text = line.size > 0 ? strndup(line.bytes, line.size) : strdup("");
    struct audit_entry entry = {
        .seq = (uint64_t)db_row_integer(visited->db, row, 0),
        .time = db_row_integer(visited->db, row, 1),
        .line = text,
    };

    if (text && db_row_bytes(visited->db, row, 3, entry.hash, sizeof(entry.hash)))
        visited->visit(visited->context, &entry);
    else
        visited->failed = true;
    free(text);
}

enum store_status audit_each(struct store_unit *unit, uint64_t seq, unsigned limit,
                             void (*visit)(void *context, const struct audit_entry *entry),
                             void *context)
{
    struct visited visited = {.db = unit->db, .visit = visit, .context = context};
    enum store_status status = DB_RUN(
        unit->db, "SELECT seq, time, line, hash FROM audit WHERE seq >= $1 ORDER BY seq LIMIT $2",
        visit_entry, &visited, NULL, db_integer(seq < INT64_MAX ? (int64_t)seq : INT64_MAX),
        db_integer(limit ? limit : INT64_MAX));

    return status == STORE_OK && visited.failed ? STORE_FAILED : status;
}

/* Verification */

#define VERIFIED_AT_ONCE 1000u

struct verification {
    struct audit_check *check;
    uint64_t next;
    unsigned taken;
};

static void find_bad(struct audit_check *check, uint64_t seq, const char *problem)
{
    if (check->problem)
        return;
    check->first_bad = seq;
    check->problem = problem;
}

/* The number inside the line, which the hash covers; the column beside it is only for searching. */
static bool line_says(const struct audit_entry *entry)
{
    json_t *line = json_loads(entry->line, 0, NULL);
    bool says = json_integer_value(json_object_get(line, "seq")) == (json_int_t)entry->seq;

    json_decref(line);
    return says;
}

static void verify_entry(void *context, const struct audit_entry *entry)
{
    struct verification *state = context;
    struct audit_check *check = state->check;
    uint8_t hash[AUDIT_HASH_SIZE];

    state->taken++;
    if (check->problem)
        return;
    if (entry->seq != state->next) {
        find_bad(check, state->next, "the line is missing");
    } else if (!line_says(entry)) {
        find_bad(check, entry->seq, "the line has another number");
    } else if (!chain_hash(check->head, entry->line, strlen(entry->line), hash)) {
        find_bad(check, entry->seq, "it could not be hashed");
    } else if (memcmp(hash, entry->hash, sizeof(hash)) != 0) {
        find_bad(check, entry->seq, "the line does not follow from the one before");
    } else {
        memcpy(check->head, hash, sizeof(hash));
        check->entries++;
        state->next++;
    }
}

enum store_status audit_verify(struct store_unit *unit, struct audit_check *check)
{
    struct verification state = {.check = check, .next = 1};
    uint8_t hash[AUDIT_HASH_SIZE];
    uint64_t seq;
    enum store_status status;

    *check = (struct audit_check){0};
    do {
        state.taken = 0;
        status = audit_each(unit, state.next, VERIFIED_AT_ONCE, verify_entry, &state);
    } while (status == STORE_OK && state.taken == VERIFIED_AT_ONCE && !check->problem);
    if (status == STORE_OK)
        status = audit_head(unit, &seq, hash);
    if (status != STORE_OK || check->problem)
        return status;
    if (seq > check->entries)
        find_bad(check, check->entries + 1, "the lines from here to the head are missing");
    else if (seq < check->entries || memcmp(hash, check->head, sizeof(hash)) != 0)
        find_bad(check, check->entries, "the head names another line as the last one");
    return STORE_OK;
}
