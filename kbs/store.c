/* SPDX-License-Identifier: MIT */
#include "kbs/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#define SCHEMA_VERSION  1
#define BUSY_TIMEOUT_MS 5000 /* a command may write while the server reads */

#define STRINGIFY(x) #x
#define TO_STRING(x) STRINGIFY(x)

/* secure_delete: a replaced secret must not stay in a free page. */
static const char *const settings = "PRAGMA journal_mode = WAL;"
                                    "PRAGMA synchronous = FULL;"
                                    "PRAGMA secure_delete = ON;"
                                    "PRAGMA trusted_schema = OFF;";

static const char *const schema =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE registration ("
    "  measurement BLOB PRIMARY KEY CHECK (length(measurement) = " TO_STRING(
        LAUNCH_DIGEST_SIZE) "),"
                            "  secret BLOB NOT NULL CHECK (length(secret) = " TO_STRING(
                                STATE_KEY_SIZE) "),"
                                                "  registered INTEGER NOT NULL) STRICT;"
                                                "PRAGMA user_version = " TO_STRING(
                                                    SCHEMA_VERSION) ";"
                                                                    "COMMIT;";

struct store {
    sqlite3 *db;
    int system_error; /* errno of a failure outside SQLite, or 0 */
};

/* SQLite makes its files as open to others as the umask lets it; so make this one first. */
static enum store_status prepare_file(struct store *store, const char *path, bool create)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600);
    enum store_status status = STORE_OK;
    struct stat file;

    if (fd < 0 || fstat(fd, &file) != 0) {
        store->system_error = errno;
        status = errno == ENOENT && !create ? STORE_NOT_FOUND : STORE_FAILED;
    } else if (file.st_mode & 077) {
        status = STORE_EXPOSED;
    }
    if (fd >= 0)
        close(fd);
    return status;
}

static enum store_status status_of(int sqlite_result)
{
    switch (sqlite_result) {
    case SQLITE_OK:
    case SQLITE_DONE:
        return STORE_OK;
    case SQLITE_NOTADB:
        return STORE_NOT_DATABASE;
    default:
        return STORE_FAILED;
    }
}

static enum store_status schema_version(struct store *store, int *version)
{
    sqlite3_stmt *query = NULL;
    int result = sqlite3_prepare_v2(store->db, "PRAGMA user_version", -1, &query, NULL);

    if (result == SQLITE_OK)
        result = sqlite3_step(query);
    if (result == SQLITE_ROW) {
        *version = sqlite3_column_int(query, 0);
        result = SQLITE_OK;
    }
    sqlite3_finalize(query);
    return status_of(result);
}

static enum store_status prepare_schema(struct store *store)
{
    int version = 0;
    enum store_status status = status_of(sqlite3_exec(store->db, settings, NULL, NULL, NULL));

    if (status == STORE_OK)
        status = schema_version(store, &version);
    if (status != STORE_OK || version == SCHEMA_VERSION)
        return status;
    if (version != 0)
        return STORE_NOT_DATABASE;
    /* Two first starts at once: the loser finds the table made. */
    if (sqlite3_exec(store->db, schema, NULL, NULL, NULL) != SQLITE_OK) {
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
        status = schema_version(store, &version);
        if (status == STORE_OK && version != SCHEMA_VERSION)
            status = STORE_NOT_DATABASE;
    }
    return status;
}

enum store_status store_open(const char *path, bool create, struct store **out)
{
    struct store *store = calloc(1, sizeof(*store));
    enum store_status status;

    *out = store;
    if (!store)
        return STORE_FAILED;
    status = prepare_file(store, path, create);
    if (status != STORE_OK)
        return status;
    status = status_of(sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE, NULL));
    if (status != STORE_OK)
        return status;
    sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    return prepare_schema(store);
}

void store_close(struct store *store)
{
    if (!store)
        return;
    sqlite3_close(store->db);
    free(store);
}

const char *store_reason(const struct store *store, enum store_status status)
{
    switch (status) {
    case STORE_OK:
        return "done";
    case STORE_NOT_FOUND:
        return "does not exist";
    case STORE_EXISTS:
        return "is registered already";
    case STORE_EXPOSED:
        return "is accessible to others than its owner; remove it or run chmod 600 on it";
    case STORE_NOT_DATABASE:
        return "is not a database of this program's version";
    case STORE_FAILED:
        break;
    }
    if (!store)
        return "out of memory";
    return store->system_error ? strerror(store->system_error) : sqlite3_errmsg(store->db);
}

/* A statement whose first parameter is a measurement; NULL on failure. */
static sqlite3_stmt *prepare(struct store *store, const char *sql,
                             const uint8_t measurement[LAUNCH_DIGEST_SIZE])
{
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_bind_blob(statement, 1, measurement, LAUNCH_DIGEST_SIZE, SQLITE_STATIC) ==
            SQLITE_OK)
        return statement;
    sqlite3_finalize(statement);
    return NULL;
}

enum store_status store_register(struct store *store, const uint8_t measurement[LAUNCH_DIGEST_SIZE],
                                 const uint8_t secret[STATE_KEY_SIZE], bool replace, time_t now)
{
    sqlite3_stmt *insert =
        prepare(store,
                replace ? "INSERT OR REPLACE INTO registration VALUES (?1, ?2, ?3)"
                        : "INSERT INTO registration VALUES (?1, ?2, ?3)",
                measurement);
    int result = SQLITE_ERROR;

    if (insert &&
        sqlite3_bind_blob(insert, 2, secret, STATE_KEY_SIZE, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_bind_int64(insert, 3, now) == SQLITE_OK)
        result = sqlite3_step(insert);
    sqlite3_finalize(insert);
    return result == SQLITE_CONSTRAINT ? STORE_EXISTS : status_of(result);
}

static enum store_status copy_secret(sqlite3_stmt *row, uint8_t secret[STATE_KEY_SIZE])
{
    const void *blob = sqlite3_column_blob(row, 0);

    if (!blob || sqlite3_column_bytes(row, 0) != STATE_KEY_SIZE)
        return STORE_FAILED;
    memcpy(secret, blob, STATE_KEY_SIZE);
    return STORE_OK;
}

enum store_status store_fetch(struct store *store, const uint8_t measurement[LAUNCH_DIGEST_SIZE],
                              uint8_t secret[STATE_KEY_SIZE])
{
    sqlite3_stmt *query =
        prepare(store, "SELECT secret FROM registration WHERE measurement = ?1", measurement);
    enum store_status status = STORE_FAILED;

    if (query)
        switch (sqlite3_step(query)) {
        case SQLITE_ROW:
            status = copy_secret(query, secret);
            break;
        case SQLITE_DONE:
            status = STORE_NOT_FOUND;
            break;
        }
    sqlite3_finalize(query);
    return status;
}

enum store_status store_has(struct store *store, const uint8_t measurement[LAUNCH_DIGEST_SIZE])
{
    sqlite3_stmt *query =
        prepare(store, "SELECT 1 FROM registration WHERE measurement = ?1", measurement);
    int result = query ? sqlite3_step(query) : SQLITE_ERROR;

    sqlite3_finalize(query);
    if (result == SQLITE_DONE)
        return STORE_NOT_FOUND;
    return result == SQLITE_ROW ? STORE_OK : STORE_FAILED;
}

enum store_status store_each(struct store *store,
                             void (*visit)(const uint8_t measurement[LAUNCH_DIGEST_SIZE],
                                           time_t registered))
{
    sqlite3_stmt *query = NULL;
    int result = sqlite3_prepare_v2(store->db,
                                    "SELECT measurement, registered FROM registration "
                                    "ORDER BY registered, measurement",
                                    -1, &query, NULL);

    if (result == SQLITE_OK)
        while ((result = sqlite3_step(query)) == SQLITE_ROW)
            visit(sqlite3_column_blob(query, 0), sqlite3_column_int64(query, 1));
    sqlite3_finalize(query);
    return status_of(result);
}

enum store_status store_flush(struct store *store, unsigned *count)
{
    enum store_status status =
        status_of(sqlite3_exec(store->db, "DELETE FROM registration", NULL, NULL, NULL));

    *count = (unsigned)sqlite3_changes(store->db);
    /* The log of changes still holds the secrets; busy readers may keep it until they are done. */
    if (status == STORE_OK)
        sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return status;
}
