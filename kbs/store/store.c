/* SPDX-License-Identifier: MIT */
#include "kbs/store/store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kbs/store/db.h"

#define SQLITE_SCHEME  "sqlite:"
#define IDLE_MAX       16 /* connections kept while nobody uses them */
#define WRITER_TIMEOUT 15 /* seconds that a thread waits for the others that write */

struct store {
    bool is_sqlite;
    bool may_be_backup;
    char *target; /* absolute path, or URL */
    const struct master_keys *keys;

    pthread_mutex_t lock; /* of what follows */
    unsigned idle_count;
    struct db *idle[IDLE_MAX];
    char reason[DB_REASON_MAX]; /* of the last failure */

    /* SQLite has one writer at a time. Threads queue here for that; only other processes have to be
     * polled. */
    bool writing;
    pthread_cond_t written;
};

const struct master_keys *store_keys(const struct store *store)
{
    return store->keys;
}

static enum store_status connect_db(const struct store *store, bool create, struct db **db)
{
    return store->is_sqlite ? db_sqlite_open(store->target, create, db)
                            : db_postgres_open(store->target, db);
}

static bool is_postgres(const char *url)
{
    return strncmp(url, "postgresql://", 13) == 0 || strncmp(url, "postgres://", 11) == 0;
}

/* An idle connection; NULL: there is none, so one is to be opened. There may be as many as units of
 * work are open: a thread that has one and waits for what another thread does in a second one (as
 * the audit log's) must not wait for a connection that only it could give back. */
static struct db *borrow(struct store *store)
{
    struct db *db = NULL;

    pthread_mutex_lock(&store->lock);
    if (store->idle_count > 0)
        db = store->idle[--store->idle_count];
    pthread_mutex_unlock(&store->lock);
    return db;
}

static void give_back(struct store *store, struct db *db)
{
    bool kept;

    if (!db)
        return;
    pthread_mutex_lock(&store->lock);
    if (db->reason[0])
        memcpy(store->reason, db->reason, sizeof(store->reason));
    db->reason[0] = '\0';
    kept = !db->broken && store->idle_count < IDLE_MAX;
    if (kept)
        store->idle[store->idle_count++] = db;
    pthread_mutex_unlock(&store->lock);
    if (!kept)
        db_close(db);
}

/* A server that went on with a backup would know nothing of the leases that were granted since. */
static enum store_status check_mark(const struct store *store, struct db *db)
{
    int64_t mark = 0;
    enum store_status status =
        store->is_sqlite ? db_ask_integer(db, "PRAGMA application_id", NULL, 0, &mark) : STORE_OK;

    return status == STORE_OK && mark == STORE_BACKUP_MARK && !store->may_be_backup ? STORE_BACKUP
                                                                                    : status;
}

static enum store_status open_first(struct store *store, bool create)
{
    struct db *db = NULL;
    enum store_status status = connect_db(store, create, &db);

    if (status == STORE_OK)
        status = check_mark(store, db);
    if (status == STORE_OK)
        status = schema_prepare(db, create, store->is_sqlite, store);
    if (status != STORE_OK && db)
        db->broken = true;
    give_back(store, db);
    return status;
}

const char *store_file_of(const char *url)
{
    size_t scheme = strlen(SQLITE_SCHEME);

    if (is_postgres(url))
        return NULL;
    return strncmp(url, SQLITE_SCHEME, scheme) == 0 ? url + scheme : url;
}

/* Absolute, so that connections to come are to the same file wherever the process goes. */
static char *path_of(const char *url)
{
    const char *path = store_file_of(url);
    char *folder = path[0] == '/' ? strdup("") : getcwd(NULL, 0), *whole = NULL;

    if (folder && asprintf(&whole, "%s%s%s", folder, path[0] == '/' ? "" : "/", path) < 0)
        whole = NULL;
    free(folder);
    return whole;
}

static void init_monotonic(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

static enum store_status open_as(const char *url, bool create, bool may_be_backup,
                                 const struct master_keys *keys, struct store **out)
{
    struct store *store = calloc(1, sizeof(*store));

    *out = store;
    if (!store)
        return STORE_FAILED;
    store->may_be_backup = may_be_backup;
    pthread_mutex_init(&store->lock, NULL);
    init_monotonic(&store->written);
    store->is_sqlite = !is_postgres(url);
    store->target = store->is_sqlite ? path_of(url) : strdup(url);
    store->keys = keys;
    return store->target ? open_first(store, create) : STORE_FAILED;
}

enum store_status store_open(const char *url, bool create, const struct master_keys *keys,
                             struct store **out)
{
    return open_as(url, create, false, keys, out);
}

enum store_status store_open_backup(const char *url, const struct master_keys *keys,
                                    struct store **out)
{
    return open_as(url, false, true, keys, out);
}

void store_close(struct store *store)
{
    if (!store)
        return;
    for (unsigned i = 0; i < store->idle_count; i++)
        db_close(store->idle[i]);
    pthread_mutex_destroy(&store->lock);
    pthread_cond_destroy(&store->written);
    free(store->target);
    free(store);
}

bool store_is_shared(const struct store *store)
{
    return !store->is_sqlite;
}

const char *store_file(const struct store *store)
{
    return store->is_sqlite ? store->target : NULL;
}

const char *store_status_text(enum store_status status)
{
    switch (status) {
    case STORE_OK:
        return "done";
    case STORE_NOT_FOUND:
        return "there is no such thing";
    case STORE_EXISTS:
        return "there is one already";
    case STORE_IN_USE:
        return "something else still refers to it";
    case STORE_AMBIGUOUS:
        return "there are several";
    case STORE_CONFLICT:
        return "other changes came first; try again";
    case STORE_RETIRED:
        return "it is retired";
    case STORE_NAME_USED:
        return "something else had this name once, and keeps it; choose another name";
    case STORE_NO_DATABASE:
        return "does not exist";
    case STORE_EXPOSED:
        return "is accessible to others than its owner; remove it or run chmod 600 on it";
    case STORE_NOT_DATABASE:
        return "is not a database of this program";
    case STORE_NEWER_VERSION:
        return "was made by a newer version of this program";
    case STORE_BACKUP:
        return "is a backup: kbs restore makes it the store, and has VMs wait until nobody counts "
               "on a lease that it does not know of";
    case STORE_WRONG_KEY:
        return "is wrapped under a master key that was not given, or was altered";
    case STORE_UNAVAILABLE:
        return "the database cannot be reached";
    case STORE_FAILED:
        break;
    }
    return "the database failed";
}

const char *store_reason(struct store *store, enum store_status status)
{
    static _Thread_local char reason[DB_REASON_MAX];

    if (!store)
        return "out of memory";
    if (status != STORE_FAILED && status != STORE_UNAVAILABLE && status != STORE_NO_DATABASE)
        return store_status_text(status);
    pthread_mutex_lock(&store->lock);
    memcpy(reason, store->reason, sizeof(reason));
    pthread_mutex_unlock(&store->lock);
    return reason[0] ? reason : store_status_text(status);
}

enum unit_kind {
    UNIT_LOOKS,
    UNIT_CHANGES_SESSIONS,
    UNIT_CHANGES, /* whatever it likes, while nobody else does */
};

static enum store_status begin_transaction(struct db *db, enum unit_kind kind)
{
    enum store_status status = db_begin(db, kind != UNIT_LOOKS);

    if (status != STORE_OK || kind != UNIT_CHANGES)
        return status;
    status = db_serialize(db);
    if (status != STORE_OK)
        db_rollback(db);
    return status;
}

/* Begins on one connection, which it takes over. */
static enum store_status begin_on(struct store *store, struct db *db, enum unit_kind kind,
                                  struct store_unit **unit)
{
    enum store_status status = begin_transaction(db, kind);

    if (status == STORE_OK) {
        *unit = malloc(sizeof(**unit));
        if (*unit) {
            **unit = (struct store_unit){.store = store, .db = db, .writing = kind != UNIT_LOOKS};
            return STORE_OK;
        }
        db_rollback(db);
        status = STORE_FAILED;
    }
    db->broken |= status != STORE_CONFLICT;
    give_back(store, db);
    return status;
}

static enum store_status begin_on_new(struct store *store, enum unit_kind kind,
                                      struct store_unit **unit)
{
    struct db *db = NULL;
    enum store_status status = connect_db(store, false, &db);

    if (status == STORE_OK)
        return begin_on(store, db, kind, unit);
    if (db)
        db->broken = true;
    give_back(store, db);
    return status;
}

/* After a restart of the server every idle connection is found broken, one after the other. */
static enum store_status begin(struct store *store, enum unit_kind kind, struct store_unit **unit)
{
    enum store_status status = STORE_UNAVAILABLE;
    struct db *db;

    *unit = NULL;
    while (status == STORE_UNAVAILABLE && (db = borrow(store)))
        status = begin_on(store, db, kind, unit);
    return status == STORE_UNAVAILABLE ? begin_on_new(store, kind, unit) : status;
}

/* Waits until this thread may write; false when that takes too long. */
static bool take_turn(struct store *store)
{
    struct timespec until;
    bool free_now;
    int waited = 0;

    if (!store->is_sqlite)
        return true;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += WRITER_TIMEOUT;
    pthread_mutex_lock(&store->lock);
    while (store->writing && waited == 0)
        waited = pthread_cond_timedwait(&store->written, &store->lock, &until);
    free_now = !store->writing;
    store->writing = true;
    pthread_mutex_unlock(&store->lock);
    return free_now;
}

static void end_turn(struct store *store)
{
    if (!store->is_sqlite)
        return;
    pthread_mutex_lock(&store->lock);
    store->writing = false;
    pthread_cond_signal(&store->written);
    pthread_mutex_unlock(&store->lock);
}

static enum store_status begin_in_turn(struct store *store, enum unit_kind kind,
                                       struct store_unit **unit)
{
    enum store_status status;

    *unit = NULL;
    if (!take_turn(store))
        return STORE_CONFLICT;
    status = begin(store, kind, unit);
    if (status != STORE_OK)
        end_turn(store);
    return status;
}

enum store_status store_begin(struct store *store, struct store_unit **unit)
{
    return begin_in_turn(store, UNIT_CHANGES, unit);
}

enum store_status store_begin_sessions(struct store *store, struct store_unit **unit)
{
    return begin_in_turn(store, UNIT_CHANGES_SESSIONS, unit);
}

enum store_status store_begin_reading(struct store *store, struct store_unit **unit)
{
    return begin(store, UNIT_LOOKS, unit);
}

static void end(struct store_unit *unit)
{
    give_back(unit->store, unit->db);
    if (unit->writing)
        end_turn(unit->store);
    free(unit);
}

enum store_status store_commit(struct store_unit *unit)
{
    enum store_status status = db_commit(unit->db);

    if (status != STORE_OK)
        db_rollback(unit->db);
    end(unit);
    return status;
}

void store_abandon(struct store_unit *unit)
{
    if (!unit)
        return;
    db_rollback(unit->db);
    end(unit);
}

enum store_status store_ping(struct store *store)
{
    struct store_unit *unit;
    int64_t version;
    enum store_status status = store_begin_reading(store, &unit);

    if (status == STORE_OK)
        status =
            db_ask_integer(unit->db, "SELECT max(version) FROM schema_version", NULL, 0, &version);
    store_abandon(unit);
    return status;
}

bool store_is_name(const char *text)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    static const char any[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    size_t length = strnlen(text, STORE_NAME_MAX + 1);

    return length > 0 && length <= STORE_NAME_MAX && strspn(text, first) > 0 &&
           strspn(text, any) == length;
}
