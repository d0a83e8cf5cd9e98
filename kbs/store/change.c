/* SPDX-License-Identifier: MIT */
/* Units of work that are done again when they had to give way to others. */
#include "kbs/store/store.h"

#define TRIES_MAX  5
#define TRIES_TIME 15 /* seconds after which there is no further one: each may wait for a lock */

typedef enum store_status begin_unit(struct store *store, struct store_unit **unit);

static enum store_status try_once(struct store *store, begin_unit *begin, store_work *work,
                                  void *context)
{
    struct store_unit *unit;
    enum store_status status = begin(store, &unit);

    if (status != STORE_OK)
        return status;
    status = work(unit, context);
    if (status == STORE_OK)
        return store_commit(unit);
    store_abandon(unit);
    return status;
}

static time_t seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static enum store_status change(struct store *store, begin_unit *begin, store_work *work,
                                void *context)
{
    time_t until = seconds() + TRIES_TIME;
    enum store_status status = STORE_CONFLICT;

    for (int i = 0; i < TRIES_MAX && status == STORE_CONFLICT && seconds() < until; i++)
        status = try_once(store, begin, work, context);
    return status;
}

enum store_status store_change(struct store *store, store_work *work, void *context)
{
    return change(store, store_begin, work, context);
}

enum store_status store_change_sessions(struct store *store, store_work *work, void *context)
{
    return change(store, store_begin_sessions, work, context);
}
