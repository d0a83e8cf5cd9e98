/* SPDX-License-Identifier: MIT */
/*
 * Many threads' lines in one unit of work: while one batch is made durable, the next one gathers.
 * A batch that fails is tried again once, as another server may have come first.
 */
#include <pthread.h>
#include <stdlib.h>

#include "kbs/audit/audit_line.h"
#include "kbs/log.h"

#define BATCH_MAX 256
#define QUEUE_MAX 4096

/* A line that waits; it is on the stack of the thread that wants it. */
struct pending {
    const char *event;
    json_t *members;
    time_t now;
    audit_also *also;
    void *context;
    char *line; /* as it was stored, for the mirror */
    bool done;
    enum store_status status;
    struct pending *next;
};

struct audit {
    struct store *store;
    bool mirror;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t queued, finished;
    struct pending *first, **last;
    unsigned waiting; /* in the queue */
    bool stopping;
};

static void forget_lines(struct pending *batch)
{
    for (struct pending *p = batch; p; p = p->next) {
        free(p->line);
        p->line = NULL;
    }
}

static void mirror_lines(const struct pending *batch)
{
    for (const struct pending *p = batch; p; p = p->next)
        log_line(p->line);
}

static enum store_status write_batch_once(struct audit *audit, struct pending *batch)
{
    struct store_unit *unit;
    enum store_status status = store_begin(audit->store, &unit);

    if (status != STORE_OK)
        return status;
    for (struct pending *p = batch; p && status == STORE_OK; p = p->next) {
        if (p->also)
            status = p->also(unit, p->context);
        if (status == STORE_OK)
            status = audit_append_line(unit, p->event, json_incref(p->members), p->now, &p->line);
    }
    if (status != STORE_OK)
        store_abandon(unit);
    else
        status = store_commit(unit);
    if (status != STORE_OK)
        forget_lines(batch);
    return status;
}

static enum store_status write_batch(struct audit *audit, struct pending *batch)
{
    enum store_status status = write_batch_once(audit, batch);

    return status == STORE_CONFLICT || status == STORE_UNAVAILABLE ? write_batch_once(audit, batch)
                                                                   : status;
}

/* Takes up to BATCH_MAX lines off the queue. */
static struct pending *take_batch(struct audit *audit)
{
    struct pending *batch = audit->first, **end = &audit->first;

    for (unsigned i = 0; i < BATCH_MAX && *end; i++, audit->waiting--)
        end = &(*end)->next;
    audit->first = *end;
    *end = NULL;
    if (!audit->first)
        audit->last = &audit->first;
    return batch;
}

static void finish_batch(struct audit *audit, struct pending *batch, enum store_status status)
{
    /* A line is gone as soon as it is done and the lock is free. */
    for (struct pending *p = batch, *next; p; p = next) {
        next = p->next;
        p->status = status;
        p->done = true;
    }
    pthread_cond_broadcast(&audit->finished);
}

static void *write_lines(void *context)
{
    struct audit *audit = context;

    pthread_mutex_lock(&audit->lock);
    for (;;) {
        struct pending *batch;
        enum store_status status;

        while (!audit->first && !audit->stopping)
            pthread_cond_wait(&audit->queued, &audit->lock);
        if (!audit->first)
            break;
        batch = take_batch(audit);
        pthread_mutex_unlock(&audit->lock);
        status = write_batch(audit, batch);
        if (status == STORE_OK && audit->mirror)
            mirror_lines(batch);
        forget_lines(batch);
        pthread_mutex_lock(&audit->lock);
        finish_batch(audit, batch, status);
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
    pthread_cond_init(&audit->finished, NULL);
    if (pthread_create(&audit->thread, NULL, write_lines, audit) == 0)
        return audit;
    free(audit);
    return NULL;
}

enum store_status audit_record(struct audit *audit, const char *event, json_t *members, time_t now,
                               audit_also *also, void *context)
{
    struct pending line = {
        .event = event, .members = members, .now = now, .also = also, .context = context};

    if (!members)
        return STORE_FAILED;
    pthread_mutex_lock(&audit->lock);
    while (audit->waiting >= QUEUE_MAX && !audit->stopping)
        pthread_cond_wait(&audit->finished, &audit->lock);
    if (audit->stopping) {
        line.status = STORE_UNAVAILABLE;
    } else {
        *audit->last = &line;
        audit->last = &line.next;
        audit->waiting++;
        pthread_cond_signal(&audit->queued);
        while (!line.done)
            pthread_cond_wait(&audit->finished, &audit->lock);
    }
    pthread_mutex_unlock(&audit->lock);
    json_decref(members);
    return line.status;
}

void audit_stop(struct audit *audit)
{
    if (!audit)
        return;
    pthread_mutex_lock(&audit->lock);
    audit->stopping = true;
    pthread_cond_broadcast(&audit->queued);
    pthread_cond_broadcast(&audit->finished);
    pthread_mutex_unlock(&audit->lock);
    pthread_join(audit->thread, NULL);
    pthread_cond_destroy(&audit->queued);
    pthread_cond_destroy(&audit->finished);
    pthread_mutex_destroy(&audit->lock);
    free(audit);
}
