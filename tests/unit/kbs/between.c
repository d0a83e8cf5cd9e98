/* SPDX-License-Identifier: MIT */
#include "tests/unit/kbs/between.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "kbs/store/db.h"

#define HEAD_START_MS 20

static struct {
    atomic_bool armed;
    atomic_uint passed; /* points */
    atomic_int open;    /* units that may change things */
    enum between_points points;
    unsigned point;
    void (*act)(void *context);
    void *context;
    bool acted, has_thread;
    pthread_t thread;
} between;

static void *act(void *unused)
{
    (void)unused;
    between.act(between.context);
    return NULL;
}

/* If it does not have to wait, as it should, it is let get ahead. */
static void act_beside(void)
{
    struct timespec until;

    if (pthread_create(&between.thread, NULL, act, NULL) != 0)
        abort();
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += HEAD_START_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    between.has_thread = pthread_timedjoin_np(between.thread, NULL, &until) != 0;
}

static void pass(enum between_points kind)
{
    if (!between.armed || kind > between.points || between.passed++ != between.point)
        return;
    between.armed = false;
    between.acted = true;
    if (between.open > 0)
        act_beside();
    else
        act(NULL);
}

void between_arm(enum between_points points, unsigned point, void (*acts)(void *context),
                 void *context)
{
    between.points = points;
    between.point = point;
    between.act = acts;
    between.context = context;
    between.acted = between.has_thread = false;
    between.passed = 0;
    between.armed = true;
}

bool between_disarm(void)
{
    between.armed = false;
    if (between.has_thread)
        pthread_join(between.thread, NULL);
    return between.acted;
}

/* The store's own functions, and what is called in their place: the linker's names. */
#define AROUND(result, name, ...)                                                                  \
    result real_##name(__VA_ARGS__) __asm__("__real_" #name);                                      \
    result wrap_##name(__VA_ARGS__) __asm__("__wrap_" #name)

/* Units of work */

typedef enum store_status begin_unit(struct store *store, struct store_unit **unit);

AROUND(enum store_status, store_begin, struct store *store, struct store_unit **unit);
AROUND(enum store_status, store_begin_sessions, struct store *store, struct store_unit **unit);
AROUND(enum store_status, store_begin_reading, struct store *store, struct store_unit **unit);
AROUND(enum store_status, store_commit, struct store_unit *unit);
AROUND(void, store_abandon, struct store_unit *unit);

/* That may change things: a thread has one at a time. */
static _Thread_local const struct store_unit *changing;

static enum store_status begin(begin_unit *real, struct store *store, struct store_unit **unit)
{
    enum store_status status;

    pass(BETWEEN_UNITS);
    status = real(store, unit);
    if (status == STORE_OK && real == real_store_begin) {
        changing = *unit;
        between.open++;
    }
    pass(BETWEEN_UNITS);
    return status;
}

enum store_status wrap_store_begin(struct store *store, struct store_unit **unit)
{
    return begin(real_store_begin, store, unit);
}

enum store_status wrap_store_begin_sessions(struct store *store, struct store_unit **unit)
{
    return begin(real_store_begin_sessions, store, unit);
}

enum store_status wrap_store_begin_reading(struct store *store, struct store_unit **unit)
{
    return begin(real_store_begin_reading, store, unit);
}

static void end(bool changed)
{
    if (changed) {
        changing = NULL;
        between.open--;
    }
    pass(BETWEEN_UNITS);
}

enum store_status wrap_store_commit(struct store_unit *unit)
{
    bool changes = unit == changing;
    enum store_status status;

    pass(BETWEEN_UNITS);
    status = real_store_commit(unit);
    end(changes);
    return status;
}

void wrap_store_abandon(struct store_unit *unit)
{
    bool changes = unit && unit == changing;

    pass(BETWEEN_UNITS);
    real_store_abandon(unit);
    end(changes);
}

/* Statements, from wherever they are run but db.c itself */

AROUND(enum store_status, db_run, struct db *db, const char *sql, const struct db_value *values,
       size_t count, db_visit *visit, void *context, uint64_t *changed);
AROUND(enum store_status, db_changed_some, struct db *db, const char *sql,
       const struct db_value *values, size_t count);
AROUND(enum store_status, db_ask_integer, struct db *db, const char *sql,
       const struct db_value *values, size_t count, int64_t *value);

enum store_status wrap_db_run(struct db *db, const char *sql, const struct db_value *values,
                              size_t count, db_visit *visit, void *context, uint64_t *changed)
{
    pass(BETWEEN_STATEMENTS);
    return real_db_run(db, sql, values, count, visit, context, changed);
}

enum store_status wrap_db_changed_some(struct db *db, const char *sql,
                                       const struct db_value *values, size_t count)
{
    pass(BETWEEN_STATEMENTS);
    return real_db_changed_some(db, sql, values, count);
}

enum store_status wrap_db_ask_integer(struct db *db, const char *sql, const struct db_value *values,
                                      size_t count, int64_t *value)
{
    pass(BETWEEN_STATEMENTS);
    return real_db_ask_integer(db, sql, values, count, value);
}
