/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "kbs/store/db.h"
#include "lib/file/whole_file.h"

#define BUSY_TIMEOUT_MS 10000
#define BUSY_STEP_MS    5

struct prepared {
    const char *sql;
    sqlite3_stmt *statement;
};

struct sqlite_db {
    struct db db;
    sqlite3 *sqlite;
    bool reading; /* the last transaction is to change nothing */
    size_t prepared_count;
    struct prepared prepared[DB_STATEMENTS_MAX];
};

/* secure_delete: what is replaced or removed must not stay in a free page. */
static const char *const settings = "PRAGMA synchronous = FULL;"
                                    "PRAGMA secure_delete = ON;"
                                    "PRAGMA trusted_schema = OFF;"
                                    "PRAGMA foreign_keys = ON;";

static struct sqlite_db *of(struct db *db)
{
    return (struct sqlite_db *)db;
}

static enum store_status status_of(int result, int extended)
{
    switch (result) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return STORE_OK;
    case SQLITE_BUSY:
        return STORE_CONFLICT;
    case SQLITE_NOTADB:
        return STORE_NOT_DATABASE;
    case SQLITE_CONSTRAINT:
        if (extended == SQLITE_CONSTRAINT_FOREIGNKEY)
            return STORE_IN_USE;
        return extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY
                   ? STORE_EXISTS
                   : STORE_FAILED;
    default:
        return STORE_FAILED;
    }
}

static enum store_status take_result(struct sqlite_db *db, int result)
{
    enum store_status status = status_of(result & 0xff, sqlite3_extended_errcode(db->sqlite));

    return status == STORE_OK ? STORE_OK : db_fail(&db->db, status, sqlite3_errmsg(db->sqlite));
}

/* The statement, from the cache where it is there; NULL when it cannot be prepared. */
static sqlite3_stmt *prepare(struct sqlite_db *db, const char *sql, bool *cached)
{
    sqlite3_stmt *statement = NULL;

    *cached = true;
    for (size_t i = 0; i < db->prepared_count; i++)
        if (db->prepared[i].sql == sql)
            return db->prepared[i].statement;
    if (sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
        SQLITE_OK)
        return NULL;
    *cached = db->prepared_count < DB_STATEMENTS_MAX;
    if (*cached)
        db->prepared[db->prepared_count++] = (struct prepared){sql, statement};
    return statement;
}

static int bind_one(sqlite3_stmt *statement, int at, const struct db_value *value)
{
    switch (value->type) {
    case DB_INTEGER:
        return sqlite3_bind_int64(statement, at, value->integer);
    case DB_TEXT:
        return sqlite3_bind_text(statement, at, value->bytes, (int)value->size, SQLITE_STATIC);
    case DB_BYTES:
        return sqlite3_bind_blob(statement, at, value->bytes, (int)value->size, SQLITE_STATIC);
    case DB_NULL:
        break;
    }
    return sqlite3_bind_null(statement, at);
}

/* "$1" is the name of a parameter to SQLite, which numbers them as they appear. */
static int bind(sqlite3_stmt *statement, const struct db_value *values, size_t count)
{
    char name[] = "$00";
    int result = SQLITE_OK;

    for (size_t i = 1; i <= count && result == SQLITE_OK; i++) {
        name[1] = (char)(i < 10 ? '0' + i : '0' + i / 10);
        name[2] = (char)(i < 10 ? '\0' : '0' + i % 10);
        result = bind_one(statement, sqlite3_bind_parameter_index(statement, name), &values[i - 1]);
    }
    return result;
}

/* Outside a transaction anything goes. */
static bool may_run(const struct sqlite_db *db, sqlite3_stmt *statement)
{
    return !db->reading || sqlite3_get_autocommit(db->sqlite) || sqlite3_stmt_readonly(statement);
}

static enum store_status sqlite_run(struct db *db, const char *sql, const struct db_value *values,
                                    size_t count, db_visit *visit, void *context, uint64_t *changed)
{
    struct sqlite_db *own = of(db);
    bool cached;
    sqlite3_stmt *statement = prepare(own, sql, &cached);
    enum store_status status;
    int result;

    if (!statement)
        return take_result(own, sqlite3_errcode(own->sqlite));
    result = may_run(own, statement) ? bind(statement, values, count) : SQLITE_READONLY;
    if (result == SQLITE_OK)
        while ((result = sqlite3_step(statement)) == SQLITE_ROW)
            if (visit)
                visit(context, (const struct db_row *)statement);
    status = take_result(own, result);
    if (changed)
        *changed = (uint64_t)sqlite3_changes(own->sqlite);
    if (cached) {
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
    } else {
        sqlite3_finalize(statement);
    }
    return status;
}

static struct db_value sqlite_column(const struct db_row *row, int column)
{
    sqlite3_stmt *statement = (sqlite3_stmt *)row;
    struct db_value value = {.type = DB_NULL};

    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        return db_integer(sqlite3_column_int64(statement, column));
    case SQLITE_TEXT:
        value.type = DB_TEXT;
        value.bytes = sqlite3_column_text(statement, column);
        break;
    case SQLITE_BLOB:
        value.type = DB_BYTES;
        value.bytes = sqlite3_column_blob(statement, column);
        break;
    default:
        return value;
    }
    value.size = (size_t)sqlite3_column_bytes(statement, column);
    return value;
}

static enum store_status sqlite_script(struct db *db, const char *sql)
{
    return take_result(of(db), sqlite3_exec(of(db)->sqlite, sql, NULL, NULL, NULL));
}

static enum store_status sqlite_begin(struct db *db, bool writing)
{
    of(db)->reading = !writing;
    return sqlite_run(db, writing ? "BEGIN IMMEDIATE" : "BEGIN", NULL, 0, NULL, NULL, NULL);
}

static enum store_status sqlite_end(struct db *db, bool commit)
{
    return sqlite_run(db, commit ? "COMMIT" : "ROLLBACK", NULL, 0, NULL, NULL, NULL);
}

static pthread_once_t accounts_forgone = PTHREAD_ONCE_INIT;

/* Nobody asks how much memory SQLite has; keeping count takes a lock that all threads share. */
static void forgo_accounts(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static void sqlite_close(struct db *db)
{
    struct sqlite_db *own = of(db);

    for (size_t i = 0; i < own->prepared_count; i++)
        sqlite3_finalize(own->prepared[i].statement);
    sqlite3_close(own->sqlite);
    free(own);
}

static const struct db_driver sqlite_driver = {
    .run = sqlite_run,
    .script = sqlite_script,
    .begin = sqlite_begin,
    .end = sqlite_end,
    .close = sqlite_close,
    .column = sqlite_column,
};

/*
 * SQLite makes its files as open to others as the umask lets it; so make this one first. One that
 * is there is only looked at: closing any descriptor of it would end all locks that this process
 * has on it (POSIX), and another process could then remove the log from under its other
 * connections.
 */
static enum store_status prepare_file(struct sqlite_db *db, const char *path, bool create)
{
    int fd = create ? open(path, O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL, 0600) : -1;
    struct stat file;

    if (fd >= 0)
        close(fd);
    if ((create && fd < 0 && errno != EEXIST) || stat(path, &file) != 0)
        return db_fail(&db->db, errno == ENOENT && !create ? STORE_NO_DATABASE : STORE_FAILED,
                       strerror(errno));
    if (!S_ISREG(file.st_mode))
        return STORE_NOT_DATABASE;
    return file_mode_keeps(file.st_mode, FILE_SECRET) ? STORE_OK : STORE_EXPOSED;
}

static int take_mode(void *context, int columns, char **texts, char **names)
{
    (void)names;
    *(bool *)context = columns == 1 && texts[0] && strcmp(texts[0], "wal") == 0;
    return 0;
}

/*
 * The log lets readers read on while one writes; and only with it is FULL enough for durability.
 * SQLite reads the file's mode before it locks the file to change it, and never waits for a lock
 * while it holds another, lest two do so for each other. So of two that open a new file at once one
 * is told at once that it is busy. Neither holds anything here: wait for it.
 */
static enum store_status use_log(struct sqlite_db *db)
{
    bool is_wal = false;
    int result, waited_ms = 0;
    enum store_status status;

    while ((result = sqlite3_exec(db->sqlite, "PRAGMA journal_mode = WAL", take_mode, &is_wal,
                                  NULL)) == SQLITE_BUSY &&
           waited_ms < BUSY_TIMEOUT_MS)
        waited_ms += sqlite3_sleep(BUSY_STEP_MS);
    status = take_result(db, result);
    return status != STORE_OK || is_wal
               ? status
               : db_fail(&db->db, STORE_FAILED,
                         "SQLite cannot keep its log beside the file; is it on a network's file "
                         "system? Put the file on a local one");
}

enum store_status db_sqlite_open(const char *path, bool create, struct db **out)
{
    struct sqlite_db *db = calloc(1, sizeof(*db));
    enum store_status status;

    *out = (struct db *)db;
    if (!db)
        return STORE_FAILED;
    db->db.driver = &sqlite_driver;
    pthread_once(&accounts_forgone, forgo_accounts);
    status = prepare_file(db, path, create);
    if (status != STORE_OK)
        return status;
    status = take_result(
        db, sqlite3_open_v2(path, &db->sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL));
    if (status != STORE_OK)
        return status;
    sqlite3_busy_timeout(db->sqlite, BUSY_TIMEOUT_MS);
    status = use_log(db);
    return status == STORE_OK ? sqlite_script(&db->db, settings) : status;
}
