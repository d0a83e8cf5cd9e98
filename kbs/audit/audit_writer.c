/* SPDX-License-Identifier: MIT */
/*
 * Many threads' lines in one unit of work: while one batch is made durable, the next one gathers.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#include "kbs/audit/audit_line.h"
#include "kbs/log.h"
#include "kbs/metrics.h"

#define BATCH_MAX 256
#define TRIES_MAX 3 /* another server may come first, or the connection break */

/* A line that waits, on the stack of the thread that wants it: so there are never more of them than
 * there are threads. Each wakes its own thread, and no other. */
struct pending {
    const char *event;
    json_t *members;
    time_t now;
    audit_also *also;
    void *context;
    char *line; /* as it was stored, for the mirror */
    sem_t done;
    enum store_status status;
    struct pending *next;
};

struct batch {
    size_t count;
    struct pending *lines[BATCH_MAX];
};

struct audit {
    struct store *store;
    bool mirror;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t queued;
    struct pending *first, **last;
    bool stopping;
};

static void forget_line(struct pending *pending)
{
    free(pending->line);
    pending->line = NULL;
}

static enum store_status add_lines(struct store_unit *unit, struct pending **lines, size_t count,
                                   struct audit_tail *tail)
{
    enum store_status status = STORE_OK;

    for (size_t i = 0; i < count && status == STORE_OK; i++) {
        struct pending *pending = lines[i];

        forget_line(pending);
        if (pending->also)
            status = pending->also(unit, pending->context);
        if (status == STORE_OK)
            status = audit_add(unit, tail, pending->event, pending->members, pending->now,
                               &pending->line);
    }
    return status == STORE_OK ? audit_store_tail(unit, tail) : status;
}

/*
 * One unit of work. A connection that breaks during a commit leaves open whether the commit was
 * done. Then *doubt is the last line of it, and the next try looks whether the log has that one, so
 * that nothing is written twice.
 */
static enum store_status try_in(struct store_unit *unit, struct pending **lines, size_t count,
                                struct audit_tail *doubt, bool *done)
{
    struct audit_tail tail;
    enum store_status status = audit_lock(unit, &tail);

    if (status == STORE_OK && doubt->seq > 0) {
        status = audit_has(unit, doubt);
        *done = status == STORE_OK;
        if (status != STORE_NOT_FOUND)
            return status;
        status = STORE_OK;
    }
    if (status == STORE_OK)
        status = add_lines(unit, lines, count, &tail);
    if (status == STORE_OK)
        *doubt = tail;
    return status;
}

static enum store_status try_lines(struct audit *audit, struct pending **lines, size_t count,
                                   struct audit_tail *doubt)
{
    struct store_unit *unit;
    bool done = false;
    enum store_status status = store_begin(audit->store, &unit);

    if (status != STORE_OK)
        return status;
    status = try_in(unit, lines, count, doubt, &done);
    if (status == STORE_OK && !done)
        return store_commit(unit);
    store_abandon(unit);
    return status;
}

static enum store_status write_lines(struct audit *audit, struct pending **lines, size_t count)
{
    struct audit_tail doubt = {0};
    enum store_status status = STORE_CONFLICT;

    for (int i = 0; i < TRIES_MAX && (status == STORE_CONFLICT || status == STORE_UNAVAILABLE); i++)
        status = try_lines(audit, lines, count, &doubt);
    return status;
}

/* What is wrong with one line must not hurt the others: then each is written alone. */
static void write_batch(struct audit *audit, struct batch *batch)
{
    enum store_status status = write_lines(audit, batch->lines, batch->count);
    bool alone = status != STORE_OK && status != STORE_UNAVAILABLE && batch->count > 1;

    for (size_t i = 0; i < batch->count; i++) {
        struct pending *pending = batch->lines[i];

        pending->status = alone ? write_lines(audit, &batch->lines[i], 1) : status;
        metric_add(METRIC_AUDIT_LINES, pending->status == STORE_OK);
        if (pending->status == STORE_OK && audit->mirror)
            log_line(pending->line);
        forget_line(pending);
    }
}

static void take_batch(struct audit *audit, struct batch *batch)
{
    for (batch->count = 0; batch->count < BATCH_MAX && audit->first; batch->count++) {
        batch->lines[batch->count] = audit->first;
        audit->first = audit->first->next;
    }
    if (!audit->first)
        audit->last = &audit->first;
}

static void *run(void *context)
{
    struct audit *audit = context;
    struct batch batch;

    pthread_mutex_lock(&audit->lock);
    for (;;) {
        while (!audit->first && !audit->stopping)
            pthread_cond_wait(&audit->queued, &audit->lock);
        if (!audit->first)
            break;
        take_batch(audit, &batch);
        pthread_mutex_unlock(&audit->lock);
        write_batch(audit, &batch);
        for (size_t i = 0; i < batch.count; i++)
            sem_post(&batch.lines[i]->done);
        pthread_mutex_lock(&audit->lock);
    }
    pthread_mutex_unlock(&audit->lock);
    return NULL;
}

struct audit *audit_start(struct store *store, bool mirror)
{
    struct audit *audit = calloc(1, sizeof(*audit));

    if (!audit)
        return NULL;
    audit->store = store;
    audit->mirror = mirror;
    audit->last = &audit->first;
    pthread_mutex_init(&audit->lock, NULL);
    pthread_cond_init(&audit->queued, NULL);
    if (pthread_create(&audit->thread, NULL, run, audit) == 0)
        return audit;
    free(audit);
    return NULL;
}

static void queue(struct audit *audit, struct pending *line)
{
    pthread_mutex_lock(&audit->lock);
    *audit->last = line;
    audit->last = &line->next;
    pthread_cond_signal(&audit->queued);
    pthread_mutex_unlock(&audit->lock);
}

enum store_status audit_record(struct audit *audit, const char *event, json_t *members, time_t now,
                               audit_also *also, void *context)
{
    struct pending line = {
        .event = event, .members = members, .now = now, .also = also, .context = context};

    if (!members)
        return STORE_FAILED;
    sem_init(&line.done, 0, 0);
    queue(audit, &line);
    while (sem_wait(&line.done) != 0 && errno == EINTR)
        ;
    sem_destroy(&line.done);
    json_decref(members);
    return line.status;
}

void audit_stop(struct audit *audit)
{
    if (!audit)
        return;
    pthread_mutex_lock(&audit->lock);
    audit->stopping = true;
    pthread_cond_signal(&audit->queued);
    pthread_mutex_unlock(&audit->lock);
    pthread_join(audit->thread, NULL);
    pthread_cond_destroy(&audit->queued);
    pthread_mutex_destroy(&audit->lock);
    free(audit);
}
