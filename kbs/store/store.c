/* SPDX-License-Identifier: MIT */
#include "kbs/store/store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/store/db.h"

#define CONNECTIONS_MAX 8

struct store {
    bool is_sqlite;
    char *target; /* path or URL */
    const struct master_keys *keys;
    char reason[DB_REASON_MAX];

    pthread_mutex_t lock;
    pthread_cond_t returned;
    unsigned open; /* connections, lent or idle */
    unsigned idle_count;
    struct db *idle[CONNECTIONS_MAX];
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

static enum store_status open_first(struct store *store, bool create)
{
    struct db *db = NULL;
    enum store_status status = connect_db(store, create, &db);

    if (status == STORE_OK)
        status = schema_prepare(db, create, store->is_sqlite, store);
    if (status == STORE_OK) {
        store->idle[store->idle_count++] = db;
        store->open = 1;
        return STORE_OK;
    }
    snprintf(store->reason, sizeof(store->reason), "%s", db ? db->reason : "out of memory");
    db_close(db);
    return status;
}

enum store_status store_open(const char *url, bool create, const struct master_keys *keys,
                             struct store **out)
{
    struct store *store = calloc(1, sizeof(*store));

    *out = store;
    if (!store)
        return STORE_FAILED;
    pthread_mutex_init(&store->lock, NULL);
    pthread_cond_init(&store->returned, NULL);
    store->is_sqlite = !is_postgres(url);
    store->target = strdup(strncmp(url, "sqlite:", 7) == 0 ? url + 7 : url);
    store->keys = keys;
    return store->target ? open_first(store, create) : STORE_FAILED;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    for (unsigned i = 0; i < store->idle_count; i++)
        db_close(store->idle[i]);
    pthread_cond_destroy(&store->returned);
    pthread_mutex_destroy(&store->lock);
    free(store->target);
    free(store);
}

bool store_is_shared(const struct store *store)
{
    return !store->is_sqlite;
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
    case STORE_CONFLICT:
        return "another change came first; try again";
    case STORE_RETIRED:
        return "it is retired";
    case STORE_NO_DATABASE:
        return "does not exist";
    case STORE_EXPOSED:
        return "is accessible to others than its owner; remove it or run chmod 600 on it";
    case STORE_NOT_DATABASE:
        return "is not a database of this program";
    case STORE_NEWER_VERSION:
        return "was made by a newer version of this program";
    case STORE_WRONG_KEY:
        return "is wrapped under a master key that was not given, or was altered";
    case STORE_UNAVAILABLE:
        return "the database cannot be reached";
    case STORE_FAILED:
        break;
    }
    return "the database failed";
}

const char *store_reason(const struct store *store, enum store_status status)
{
    if (!store)
        return "out of memory";
    if ((status == STORE_FAILED || status == STORE_UNAVAILABLE) && store->reason[0])
        return store->reason;
    return store_status_text(status);
}

/* An idle connection, or the permission (*db == NULL) to open one. Waits while all are lent. */
static void borrow(struct store *store, struct db **db)
{
    *db = NULL;
    pthread_mutex_lock(&store->lock);
    while (store->idle_count == 0 && store->open == CONNECTIONS_MAX)
        pthread_cond_wait(&store->returned, &store->lock);
    if (store->idle_count > 0)
        *db = store->idle[--store->idle_count];
    else
        store->open++;
    pthread_mutex_unlock(&store->lock);
}

static void give_back(struct store *store, struct db *db)
{
    bool usable = db && !db->broken;

    if (!usable)
        db_close(db);
    pthread_mutex_lock(&store->lock);
    if (usable)
        store->idle[store->idle_count++] = db;
    else
        store->open--;
    pthread_cond_signal(&store->returned);
    pthread_mutex_unlock(&store->lock);
}

/* Begins on one connection. One that broke while it was idle fails here, and only here. */
static enum store_status begin_on(struct store *store, struct db *db, bool writing,
                                  struct store_unit **unit)
{
    enum store_status status = db ? STORE_OK : connect_db(store, false, &db);

    if (status == STORE_OK)
        status = db_begin(db, writing);
    if (status == STORE_OK) {
        *unit = malloc(sizeof(**unit));
        if (*unit) {
            **unit = (struct store_unit){.store = store, .db = db, .in_transaction = true};
            return STORE_OK;
        }
        db_rollback(db);
        status = STORE_FAILED;
    } else if (db && status != STORE_CONFLICT) {
        db->broken = true;
    }
    give_back(store, db);
    return status;
}

static enum store_status begin(struct store *store, bool writing, struct store_unit **unit)
{
    enum store_status status;
    struct db *db;

    *unit = NULL;
    /* After a restart of the server every idle connection is found broken, one after the other. */
    for (unsigned i = 0; i <= CONNECTIONS_MAX; i++) {
        borrow(store, &db);
        bool fresh = !db;

        status = begin_on(store, db, writing, unit);
        if (fresh || status != STORE_UNAVAILABLE)
            break;
    }
    return status;
}

enum store_status store_begin(struct store *store, struct store_unit **unit)
{
    return begin(store, true, unit);
}

enum store_status store_begin_reading(struct store *store, struct store_unit **unit)
{
    return begin(store, false, unit);
}

static void end(struct store_unit *unit)
{
    give_back(unit->store, unit->db);
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
