/* SPDX-License-Identifier: MIT */
#include "kbs/store/policies.h"

#include <stdlib.h>
#include <string.h>

#include "kbs/store/retired_names.h"

enum store_status policy_put(struct store_unit *unit, const char *name, const char *text,
                             bool replace, time_t now)
{
    static const char insert[] = "INSERT INTO policy (name, body, updated) VALUES ($1, $2, $3)";
    static const char upsert[] = "INSERT INTO policy (name, body, updated) VALUES ($1, $2, $3) "
                                 "ON CONFLICT (name) DO UPDATE SET body = excluded.body, "
                                 "updated = excluded.updated";
    enum store_status status;
    unsigned version;

    if (!store_is_name(name) || strnlen(text, POLICY_TEXT_MAX + 1) > POLICY_TEXT_MAX)
        return STORE_FAILED;
    status = retired_name_find(unit, RETIRED_POLICY, name, &version);
    if (status == STORE_OK && !replace)
        return STORE_RETIRED;
    if (status == STORE_OK)
        status = retired_name_forget(unit, RETIRED_POLICY, name);
    if (status != STORE_OK && status != STORE_NOT_FOUND)
        return status;
    return DB_RUN(unit->db, replace ? upsert : insert, NULL, NULL, NULL, db_text(name),
                  db_text(text), db_integer(now));
}

struct text {
    const struct db *db;
    char *copy;
    enum store_status status;
};

static void take_text(void *context, const struct db_row *row)
{
    struct text *text = context;
    struct db_value value = db_row_value(text->db, row, 0);

    text->copy = strndup(value.bytes, value.size);
    text->status = text->copy ? STORE_OK : STORE_FAILED;
}

enum store_status policy_text(struct store_unit *unit, const char *name, char **out)
{
    struct text text = {.db = unit->db, .status = STORE_NOT_FOUND};
    enum store_status status = DB_RUN(unit->db, "SELECT body FROM policy WHERE name = $1",
                                      take_text, &text, NULL, db_text(name));

    *out = text.copy;
    return status == STORE_OK ? text.status : status;
}

enum store_status policy_remove(struct store_unit *unit, const char *name, time_t now)
{
    struct db_value by = db_text(name);
    int64_t users = 0;
    enum store_status status =
        db_ask_integer(unit->db,
                       "SELECT (SELECT count(*) FROM secret WHERE policy = $1) + (SELECT "
                       "count(*) FROM volume WHERE policy = $1 AND retired = 0)",
                       &by, 1, &users);

    if (status == STORE_OK && users > 0)
        return STORE_IN_USE;
    if (status == STORE_OK)
        status = DB_CHANGE(unit->db, "DELETE FROM policy WHERE name = $1", by);
    return status == STORE_OK ? retired_name_add(unit, RETIRED_POLICY, name, 0, now) : status;
}

struct visited {
    const struct db *db;
    void (*visit)(void *context, const struct policy_record *policy);
    void *context;
    bool short_of_memory;
};

static void visit_policy(void *context, const struct db_row *row)
{
    struct visited *visited = context;
    struct db_value body = db_row_value(visited->db, row, 1);
    char *text = strndup(body.bytes, body.size);
    struct policy_record policy = {.text = text, .updated = db_row_integer(visited->db, row, 2)};

    if (text && db_row_text(visited->db, row, 0, policy.name, sizeof(policy.name)))
        visited->visit(visited->context, &policy);
    visited->short_of_memory |= !text;
    free(text);
}

enum store_status policy_each(struct store_unit *unit,
                              void (*visit)(void *context, const struct policy_record *policy),
                              void *context)
{
    struct visited visited = {.db = unit->db, .visit = visit, .context = context};
    enum store_status status =
        db_run(unit->db, "SELECT name, body, updated FROM policy ORDER BY name", NULL, 0,
               visit_policy, &visited, NULL);

    return status == STORE_OK && visited.short_of_memory ? STORE_FAILED : status;
}
