/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "kbs/store/db.h"
#include "lib/base/bytes.h"

/* Object identifiers of built-in types (PostgreSQL, pg_type.dat). */
#define OID_BYTEA 17
#define OID_INT8  20
#define OID_TEXT  25

#define BINARY 1

/* Any number that no other program takes for its advisory lock in this database. */
#define SERIALIZE "SELECT pg_advisory_xact_lock(1936617588)"

struct postgres_db {
    struct db db;
    PGconn *connection;
    size_t prepared_count;
    const char *prepared[DB_STATEMENTS_MAX];
};

struct result_row {
    const PGresult *result;
    int row;
};

static struct postgres_db *of(struct db *db)
{
    return (struct postgres_db *)db;
}

/* Classes and codes of PostgreSQL's appendix A. */
static enum store_status status_of(const char *sqlstate)
{
    static const struct {
        const char *prefix;
        enum store_status status;
    } known[] = {
        {"23505", STORE_EXISTS},   {"23503", STORE_IN_USE},   {"40001", STORE_CONFLICT},
        {"40P01", STORE_CONFLICT}, {"55P03", STORE_CONFLICT}, {"08", STORE_UNAVAILABLE},
        {"57", STORE_UNAVAILABLE}, {"53", STORE_UNAVAILABLE}, {"25006", STORE_UNAVAILABLE},
    };

    for (size_t i = 0; sqlstate && i < sizeof(known) / sizeof(known[0]); i++)
        if (strncmp(sqlstate, known[i].prefix, strlen(known[i].prefix)) == 0)
            return known[i].status;
    return STORE_FAILED;
}

/* What a result says. A connection that is gone, or of a server that is no longer the one to write
 * to, is not used again. */
static enum store_status take_result(struct postgres_db *db, const PGresult *result)
{
    ExecStatusType kind = PQresultStatus(result);
    enum store_status status;

    if (kind == PGRES_COMMAND_OK || kind == PGRES_TUPLES_OK)
        return STORE_OK;
    status = PQstatus(db->connection) != CONNECTION_OK
                 ? STORE_UNAVAILABLE
                 : status_of(result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL);
    db->db.broken |= status == STORE_UNAVAILABLE;
    return db_fail(&db->db, status, PQerrorMessage(db->connection));
}

struct parameters {
    Oid types[DB_PARAMETERS_MAX];
    const char *values[DB_PARAMETERS_MAX];
    int lengths[DB_PARAMETERS_MAX], formats[DB_PARAMETERS_MAX];
    uint8_t integers[DB_PARAMETERS_MAX][8];
};

static void set_parameters(struct parameters *out, const struct db_value *values, size_t count)
{
    *out = (struct parameters){0};
    for (size_t i = 0; i < count; i++) {
        out->formats[i] = BINARY;
        out->values[i] = values[i].bytes;
        out->lengths[i] = (int)values[i].size;
        switch (values[i].type) {
        case DB_INTEGER:
            put_be64(out->integers[i], (uint64_t)values[i].integer);
            out->values[i] = (const char *)out->integers[i];
            out->lengths[i] = 8;
            out->types[i] = OID_INT8;
            break;
        case DB_TEXT:
            out->types[i] = OID_TEXT;
            break;
        case DB_BYTES:
        case DB_NULL: /* only columns of bytes are ever set to NULL */
            out->types[i] = OID_BYTEA;
            break;
        }
    }
}

/* The name of the prepared statement; false with a status when it cannot be prepared. */
MUST_CHECK static bool prepare(struct postgres_db *db, const char *sql, size_t count,
                               const struct parameters *parameters, char name[16],
                               enum store_status *status)
{
    PGresult *result;
    size_t at = 0;

    while (at < db->prepared_count && db->prepared[at] != sql)
        at++;
    /* The last place is used over and over by what finds no place of its own. */
    if (at == DB_STATEMENTS_MAX)
        at--;
    snprintf(name, 16, "s%zu", at);
    if (at < db->prepared_count && db->prepared[at] == sql)
        return true;
    if (at < db->prepared_count) {
        char deallocate[32];

        snprintf(deallocate, sizeof(deallocate), "DEALLOCATE %s", name);
        PQclear(PQexec(db->connection, deallocate));
        db->prepared[at] = NULL;
    }
    result = PQprepare(db->connection, name, sql, (int)count, parameters->types);
    *status = take_result(db, result);
    PQclear(result);
    if (*status != STORE_OK)
        return false;
    db->prepared[at] = sql;
    if (at == db->prepared_count)
        db->prepared_count++;
    return true;
}

static enum store_status postgres_run(struct db *db, const char *sql, const struct db_value *values,
                                      size_t count, db_visit *visit, void *context,
                                      uint64_t *changed)
{
    struct postgres_db *own = of(db);
    struct parameters parameters;
    enum store_status status;
    char name[16];
    PGresult *result;

    set_parameters(&parameters, values, count);
    if (!prepare(own, sql, count, &parameters, name, &status))
        return status;
    result = PQexecPrepared(own->connection, name, (int)count, parameters.values,
                            parameters.lengths, parameters.formats, BINARY);
    status = take_result(own, result);
    if (status == STORE_OK) {
        if (changed)
            *changed = strtoull(PQcmdTuples(result), NULL, 10);
        for (int i = 0; visit && i < PQntuples(result); i++)
            visit(context, (const struct db_row *)&(struct result_row){result, i});
    }
    PQclear(result);
    return status;
}

static int64_t integer_of(const char *bytes, int size)
{
    return size == 8   ? (int64_t)get_be64(bytes)
           : size == 4 ? (int32_t)get_be32(bytes)
                       : size == 1 && bytes[0];
}

static struct db_value postgres_column(const struct db_row *row, int column)
{
    const struct result_row *at = (const struct result_row *)row;
    const char *bytes = PQgetvalue(at->result, at->row, column);
    int size = PQgetlength(at->result, at->row, column);

    if (PQgetisnull(at->result, at->row, column))
        return (struct db_value){.type = DB_NULL};
    switch (PQftype(at->result, column)) {
    case OID_TEXT:
        return (struct db_value){.type = DB_TEXT, .bytes = bytes, .size = (size_t)size};
    case OID_BYTEA:
        return (struct db_value){.type = DB_BYTES, .bytes = bytes, .size = (size_t)size};
    default:
        return db_integer(integer_of(bytes, size));
    }
}

static enum store_status postgres_script(struct db *db, const char *sql)
{
    PGresult *result = PQexec(of(db)->connection, sql);
    enum store_status status = take_result(of(db), result);

    PQclear(result);
    return status;
}

/*
 * The levels are said, because the server, the database and the role may have others by default.
 * What changes something reads what is committed, statement by statement: its first one waits for
 * the lock (db_serialize), and a snapshot of before that would be of a time when the one who had
 * the lock was not done yet.
 */
static enum store_status postgres_begin(struct db *db, bool writing)
{
    return postgres_script(db, writing ? "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
                                       : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
}

static enum store_status postgres_end(struct db *db, bool commit)
{
    const char *sql = commit ? "COMMIT" : "ROLLBACK";
    PGresult *result = PQexec(of(db)->connection, sql);
    enum store_status status = take_result(of(db), result);

    /* COMMIT of a transaction that had failed answers ROLLBACK, and no error. */
    if (status == STORE_OK && strcmp(PQcmdStatus(result), sql) != 0)
        status = STORE_FAILED;
    PQclear(result);
    return status;
}

static enum store_status postgres_serialize(struct db *db)
{
    return db_run(db, SERIALIZE, NULL, 0, NULL, NULL, NULL);
}

static void postgres_close(struct db *db)
{
    PQfinish(of(db)->connection);
    free(db);
}

static const struct db_driver postgres_driver = {
    .run = postgres_run,
    .script = postgres_script,
    .begin = postgres_begin,
    .end = postgres_end,
    .serialize = postgres_serialize,
    .close = postgres_close,
    .column = postgres_column,
};

/* Notices are for a person at a prompt. */
static void ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

/* An acknowledged change must outlive a crash, whatever the server's default; synchronous replicas
 * may make it stricter. */
static const char settings[] = "SET client_min_messages = error;"
                               "SET statement_timeout = '20s';"
                               "SET lock_timeout = '15s';"
                               "SET idle_in_transaction_session_timeout = '60s';"
                               "SELECT set_config('synchronous_commit', 'on', false)"
                               "  WHERE current_setting('synchronous_commit') IN ('off', 'local')";

static enum store_status check_durability(struct db *db)
{
    int64_t durable = 0;
    enum store_status status = db_ask_integer(
        db, "SELECT count(*) FROM pg_settings WHERE name = 'fsync' AND setting = 'on'", NULL, 0,
        &durable);

    return status != STORE_OK || durable
               ? status
               : db_fail(db, STORE_FAILED,
                         "the server runs with fsync = off, and would lose what it acknowledged");
}

/* The value of an option of a URL, or NULL. */
static const char *option(const PQconninfoOption *options, const char *name)
{
    for (; options && options->keyword; options++)
        if (strcmp(options->keyword, name) == 0)
            return options->val;
    return NULL;
}

/*
 * Whether the URL's parts are what they should be. Of a password with a "/", "#" or "@" that is not
 * percent-encoded, a part is taken for a host, port or database, and libpq would show it as such.
 */
static bool is_plain(const char *url)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    const char *port = option(options, "port"), *host = option(options, "host"),
               *name = option(options, "dbname");
    bool plain = options && (!port || port[strspn(port, "0123456789,")] == '\0') &&
                 (!host || !strchr(host, '@')) && (!name || !strchr(name, '@'));

    PQconninfoFree(options);
    return plain;
}

static enum store_status connect_to(struct postgres_db *db, const char *url)
{
    /* The URL is given as dbname, which libpq expands; what comes first is only a default. */
    const char *const names[] = {"connect_timeout", "tcp_user_timeout", "application_name",
                                 "client_encoding", "dbname",           NULL};
    const char *const values[] = {"10", "30000", "snp-vtpm kbs", "UTF8", url, NULL};
    const char *reason;

    db->connection = PQconnectdbParams(names, values, 1);
    if (PQstatus(db->connection) == CONNECTION_OK)
        return STORE_OK;
    reason = PQerrorMessage(db->connection);
    return db_fail(
        &db->db, strstr(reason, "does not exist") ? STORE_NO_DATABASE : STORE_UNAVAILABLE, reason);
}

enum store_status db_postgres_open(const char *url, struct db **out)
{
    struct postgres_db *db = calloc(1, sizeof(*db));
    enum store_status status;

    *out = (struct db *)db;
    if (!db)
        return STORE_FAILED;
    db->db.driver = &postgres_driver;
    if (!is_plain(url))
        return db_fail(&db->db, STORE_FAILED,
                       "the URL is not postgresql://USER:PASSWORD@HOST:PORT/DATABASE; special "
                       "characters in it have to be percent-encoded");
    status = connect_to(db, url);
    if (status != STORE_OK)
        return status;
    PQsetNoticeReceiver(db->connection, ignore_notice, NULL);
    status = postgres_script(&db->db, settings);
    return status == STORE_OK ? check_durability(&db->db) : status;
}
