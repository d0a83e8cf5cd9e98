/* SPDX-License-Identifier: MIT */
/*
 * One connection to a database, of SQLite or PostgreSQL. Private to the store.
 *
 * Statements are the same for both: parameters are $1, $2, ..., integers BIGINT, bytes BYTEA. Each
 * is prepared once a connection and found again by its address, so it must be a string constant.
 */
#ifndef SNPVTPM_KBS_STORE_DB_H
#define SNPVTPM_KBS_STORE_DB_H

#include <stddef.h>
#include <stdint.h>

#include "kbs/store/store.h"

#define DB_STATEMENTS_MAX 128
#define DB_PARAMETERS_MAX 12
#define DB_REASON_MAX     256

enum db_type {
    DB_NULL,
    DB_INTEGER,
    DB_TEXT,
    DB_BYTES,
};

struct db_value {
    enum db_type type;
    int64_t integer;
    const void *bytes; /* of text, too */
    size_t size;
};

static inline struct db_value db_integer(int64_t value)
{
    return (struct db_value){.type = DB_INTEGER, .integer = value};
}

struct db_value db_text(const char *text);

static inline struct db_value db_bytes(const void *bytes, size_t size)
{
    return (struct db_value){.type = bytes ? DB_BYTES : DB_NULL, .bytes = bytes, .size = size};
}

/* A row of a result, while it is visited. Each driver has its own. */
struct db_row;
typedef void db_visit(void *context, const struct db_row *row);

struct db;

struct db_driver {
    enum store_status (*run)(struct db *db, const char *sql, const struct db_value *values,
                             size_t count, db_visit *visit, void *context, uint64_t *changed);
    enum store_status (*script)(struct db *db, const char *sql);
    enum store_status (*begin)(struct db *db, bool writing);
    enum store_status (*end)(struct db *db, bool commit); /* otherwise all is rolled back */
    enum store_status (*serialize)(struct db *db);
    void (*close)(struct db *db);
    struct db_value (*column)(const struct db_row *row, int column);
};

/* The beginning of each driver's connection. */
struct db {
    const struct db_driver *driver;
    bool broken;     /* to be closed rather than used again */
    bool serialized; /* in this transaction */
    char reason[DB_REASON_MAX];
};

/* Connects; *db is to be closed with db_close in any case, and NULL only without memory. */
MUST_CHECK enum store_status db_sqlite_open(const char *path, bool create, struct db **db);
MUST_CHECK enum store_status db_postgres_open(const char *url, struct db **db);

void db_close(struct db *db);

/* Runs a statement; visit (may be NULL) sees each row; changed (may be NULL) counts rows. */
MUST_CHECK enum store_status db_run(struct db *db, const char *sql, const struct db_value *values,
                                    size_t count, db_visit *visit, void *context,
                                    uint64_t *changed);

#define DB_RUN(db, sql, visit, context, changed, ...)                                              \
    db_run((db), (sql), (const struct db_value[]){__VA_ARGS__},                                    \
           sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value), (visit),      \
           (context), (changed))

/* As db_run for a statement that must change rows: STORE_NOT_FOUND when it changed none. */
#define DB_CHANGE(db, sql, ...)                                                                    \
    db_changed_some((db), (sql), (const struct db_value[]){__VA_ARGS__},                           \
                    sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value))
MUST_CHECK enum store_status db_changed_some(struct db *db, const char *sql,
                                             const struct db_value *values, size_t count);

/* Runs statements that give nothing back. */
MUST_CHECK enum store_status db_script(struct db *db, const char *sql);

/* Begins a transaction. One that does not write sees the same all through, and can change nothing.
 */
MUST_CHECK enum store_status db_begin(struct db *db, bool writing);

/*
 * Takes the lock that every unit of work takes that changes more than sessions, as the first thing
 * it does: from here to the end of the transaction, what was read stays true, and two of them
 * cannot wait for each other. Once more is harmless. (In SQLite a writer is alone from its
 * beginning.)
 */
MUST_CHECK enum store_status db_serialize(struct db *db);

MUST_CHECK enum store_status db_commit(struct db *db);
void db_rollback(struct db *db);

/* The columns of a row; a value of another type reads as 0 or as empty. */
int64_t db_row_integer(const struct db *db, const struct db_row *row, int column);
struct db_value db_row_value(const struct db *db, const struct db_row *row, int column);

/* Copies text and a NUL into room characters, or bytes of exactly size; false if they do not fit.
 */
bool db_row_text(const struct db *db, const struct db_row *row, int column, char *text,
                 size_t room);
bool db_row_bytes(const struct db *db, const struct db_row *row, int column, void *bytes,
                  size_t size);

/* The first column of the one row that a statement gives: STORE_NOT_FOUND without one. */
MUST_CHECK enum store_status db_ask_integer(struct db *db, const char *sql,
                                            const struct db_value *values, size_t count,
                                            int64_t *value);

/* Keeps the reason of a failure that its status does not explain; gives back the status. */
enum store_status db_fail(struct db *db, enum store_status status, const char *reason);

/* A unit of work, and what it is to all the modules of the store. */
struct store_unit {
    struct store *store;
    struct db *db;
    bool writing;
};

const struct master_keys *store_keys(const struct store *store);

/* Makes or migrates the tables. */
MUST_CHECK enum store_status schema_prepare(struct db *db, bool create, bool is_sqlite,
                                            struct store *store);

#endif
