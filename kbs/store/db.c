/* SPDX-License-Identifier: MIT */
#include "kbs/store/db.h"

#include <stdio.h>
#include <string.h>

struct db_value db_text(const char *text)
{
    return (struct db_value){.type = DB_TEXT, .bytes = text, .size = strlen(text)};
}

void db_close(struct db *db)
{
    if (db)
        db->driver->close(db);
}

enum store_status db_run(struct db *db, const char *sql, const struct db_value *values,
                         size_t count, db_visit *visit, void *context, uint64_t *changed)
{
    if (count > DB_PARAMETERS_MAX)
        return db_fail(db, STORE_FAILED, "a statement has too many parameters");
    return db->driver->run(db, sql, values, count, visit, context, changed);
}

enum store_status db_changed_some(struct db *db, const char *sql, const struct db_value *values,
                                  size_t count)
{
    uint64_t changed = 0;
    enum store_status status = db_run(db, sql, values, count, NULL, NULL, &changed);

    return status == STORE_OK && changed == 0 ? STORE_NOT_FOUND : status;
}

enum store_status db_script(struct db *db, const char *sql)
{
    return db->driver->script(db, sql);
}

enum store_status db_begin(struct db *db, bool writing)
{
    db->serialized = false;
    return db->driver->begin(db, writing);
}

enum store_status db_serialize(struct db *db)
{
    enum store_status status = STORE_OK;

    if (!db->serialized && db->driver->serialize)
        status = db->driver->serialize(db);
    db->serialized = status == STORE_OK;
    return status;
}

enum store_status db_commit(struct db *db)
{
    return db->driver->end(db, true);
}

/* What cannot be rolled back must not be used again. */
void db_rollback(struct db *db)
{
    if (db->driver->end(db, false) != STORE_OK)
        db->broken = true;
}

struct db_value db_row_value(const struct db *db, const struct db_row *row, int column)
{
    return db->driver->column(row, column);
}

int64_t db_row_integer(const struct db *db, const struct db_row *row, int column)
{
    return db_row_value(db, row, column).integer;
}

bool db_row_text(const struct db *db, const struct db_row *row, int column, char *text, size_t room)
{
    struct db_value value = db_row_value(db, row, column);

    if (value.size >= room)
        return false;
    if (value.size > 0)
        memcpy(text, value.bytes, value.size);
    text[value.size] = '\0';
    return true;
}

bool db_row_bytes(const struct db *db, const struct db_row *row, int column, void *bytes,
                  size_t size)
{
    struct db_value value = db_row_value(db, row, column);

    if (value.size != size)
        return false;
    memcpy(bytes, value.bytes, size);
    return true;
}

struct asked {
    const struct db *db;
    int64_t *value;
    bool found;
};

static void take_integer(void *context, const struct db_row *row)
{
    struct asked *asked = context;

    *asked->value = db_row_integer(asked->db, row, 0);
    asked->found = true;
}

enum store_status db_ask_integer(struct db *db, const char *sql, const struct db_value *values,
                                 size_t count, int64_t *value)
{
    struct asked asked = {.db = db, .value = value};
    enum store_status status = db_run(db, sql, values, count, take_integer, &asked, NULL);

    return status == STORE_OK && !asked.found ? STORE_NOT_FOUND : status;
}

enum store_status db_fail(struct db *db, enum store_status status, const char *reason)
{
    if (status == STORE_FAILED || status == STORE_UNAVAILABLE || status == STORE_NO_DATABASE) {
        snprintf(db->reason, sizeof(db->reason), "%s", reason ? reason : "");
        db->reason[strcspn(db->reason, "\n")] = '\0';
    }
    return status;
}
