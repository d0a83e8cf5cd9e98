/* SPDX-License-Identifier: MIT */
#include "kbs/server/connections.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <sys/socket.h>

#include "kbs/metrics.h"
#include "kbs/server/client.h"
#include "kbs/server/clock.h"

#define REAP_EVERY_MS 250

enum stage {
    FREE,
    WAITING, /* for a header */
    REQUEST, /* from the end of its header to the end of the reply */
    ENDED,   /* its socket was shut down; whoever serves it has to notice */
};

struct connection {
    struct connections *all;
    enum stage stage;
    bool in_request; /* also when it was ended */
    int fd;
    uint64_t client, deadline_ms;
    void *owner;
    char peer[INET6_ADDRSTRLEN];
};

struct connections {
    struct connection_limits limits;
    pthread_mutex_t mutex;
    pthread_cond_t reaping, drained; /* wake the reaper, and who drains; on the monotonic clock */
    pthread_t reaper;
    bool stopping;
    atomic_bool draining;
    unsigned open, requests;
    struct connection table[]; /* limits.connections of them */
};

static void end(struct connection *connection)
{
    shutdown(connection->fd, SHUT_RDWR);
    connection->stage = ENDED;
}

static void end_overdue(struct connections *all, uint64_t now_ms)
{
    for (unsigned i = 0; i < all->limits.connections; i++) {
        struct connection *connection = &all->table[i];

        if ((connection->stage == WAITING || connection->stage == REQUEST) &&
            now_ms >= connection->deadline_ms) {
            metric_add(METRIC_OVERDUE, 1);
            end(connection);
        }
    }
}

/* Waits with the mutex held for the condition, or until until_ms. */
static void wait_until(struct connections *all, pthread_cond_t *condition, uint64_t until_ms)
{
    struct timespec until = {
        .tv_sec = (time_t)(until_ms / 1000),
        .tv_nsec = (long)(until_ms % 1000) * 1000000,
    };

    pthread_cond_timedwait(condition, &all->mutex, &until);
}

/* Sleeps while there is no connection at all. */
static void *reap(void *argument)
{
    struct connections *all = argument;

    pthread_mutex_lock(&all->mutex);
    while (!all->stopping) {
        uint64_t next_ms = clock_ms() + REAP_EVERY_MS;

        if (all->open == 0)
            pthread_cond_wait(&all->reaping, &all->mutex);
        while (all->open > 0 && !all->stopping && clock_ms() < next_ms)
            wait_until(all, &all->reaping, next_ms);
        end_overdue(all, clock_ms());
    }
    pthread_mutex_unlock(&all->mutex);
    return NULL;
}

static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void destroy_locks(struct connections *all)
{
    pthread_cond_destroy(&all->reaping);
    pthread_cond_destroy(&all->drained);
    pthread_mutex_destroy(&all->mutex);
}

struct connections *connections_new(const struct connection_limits *limits)
{
    struct connections *all =
        calloc(1, sizeof(*all) + limits->connections * sizeof(struct connection));

    if (!all)
        return NULL;
    all->limits = *limits;
    pthread_mutex_init(&all->mutex, NULL);
    init_condition(&all->reaping);
    init_condition(&all->drained);
    if (pthread_create(&all->reaper, NULL, reap, all) != 0) {
        destroy_locks(all);
        free(all);
        return NULL;
    }
    return all;
}

void connections_free(struct connections *all)
{
    if (!all)
        return;
    pthread_mutex_lock(&all->mutex);
    all->stopping = true;
    pthread_cond_signal(&all->reaping);
    pthread_mutex_unlock(&all->mutex);
    pthread_join(all->reaper, NULL);
    destroy_locks(all);
    free(all);
}

static unsigned count_of_client(const struct connections *all, uint64_t client)
{
    unsigned count = 0;

    for (unsigned i = 0; i < all->limits.connections; i++)
        if (all->table[i].stage != FREE && all->table[i].client == client)
            count++;
    return count;
}

bool connections_admit(struct connections *all, const struct sockaddr *address)
{
    unsigned limit = all->limits.connections_per_client;
    bool admit;

    pthread_mutex_lock(&all->mutex);
    admit = !all->draining && all->open < all->limits.connections &&
            (limit == 0 || count_of_client(all, client_key(address)) < limit);
    pthread_mutex_unlock(&all->mutex);
    metric_add(admit ? METRIC_CONNECTIONS : METRIC_CONNECTIONS_REFUSED, 1);
    return admit;
}

struct connection *connections_open(struct connections *all, int fd, const struct sockaddr *address,
                                    void *owner)
{
    struct connection *connection = NULL;

    pthread_mutex_lock(&all->mutex);
    for (unsigned i = 0; i < all->limits.connections && !connection; i++)
        if (all->table[i].stage == FREE)
            connection = &all->table[i];
    if (connection) {
        *connection = (struct connection){
            .all = all,
            .stage = WAITING,
            .fd = fd,
            .client = client_key(address),
            .deadline_ms = clock_ms() + all->limits.idle_ms,
            .owner = owner,
        };
        client_name(address, connection->peer);
        if (all->open++ == 0)
            pthread_cond_signal(&all->reaping);
    }
    pthread_mutex_unlock(&all->mutex);
    return connection;
}

static void leave_request(struct connection *connection)
{
    if (!connection->in_request)
        return;
    connection->in_request = false;
    connection->all->requests--;
    if (connection->all->draining)
        pthread_cond_signal(&connection->all->drained);
}

void connection_close(struct connection *connection)
{
    struct connections *all;

    if (!connection)
        return;
    all = connection->all;
    pthread_mutex_lock(&all->mutex);
    leave_request(connection);
    connection->stage = FREE;
    all->open--;
    pthread_mutex_unlock(&all->mutex);
}

void connection_begin_request(struct connection *connection)
{
    struct connections *all = connection->all;

    pthread_mutex_lock(&all->mutex);
    if (connection->stage == WAITING) {
        connection->stage = REQUEST;
        connection->deadline_ms = clock_ms() + all->limits.request_ms;
        connection->in_request = true;
        all->requests++;
    }
    pthread_mutex_unlock(&all->mutex);
}

void connection_end_request(struct connection *connection)
{
    struct connections *all = connection->all;

    pthread_mutex_lock(&all->mutex);
    if (connection->stage == REQUEST) {
        connection->stage = WAITING;
        connection->deadline_ms = clock_ms() + all->limits.idle_ms;
        if (all->draining)
            end(connection);
    }
    leave_request(connection);
    pthread_mutex_unlock(&all->mutex);
}

const char *connection_peer(const struct connection *connection)
{
    return connection->peer;
}

void *connection_owner(const struct connection *connection)
{
    return connection->owner;
}

unsigned connections_drain(struct connections *all, unsigned timeout_ms)
{
    uint64_t until_ms = clock_ms() + timeout_ms;
    unsigned left;

    pthread_mutex_lock(&all->mutex);
    all->draining = true;
    for (unsigned i = 0; i < all->limits.connections; i++)
        if (all->table[i].stage == WAITING)
            end(&all->table[i]);
    while (all->requests > 0 && clock_ms() < until_ms)
        wait_until(all, &all->drained, until_ms);
    left = all->requests;
    pthread_mutex_unlock(&all->mutex);
    return left;
}

bool connections_draining(const struct connections *all)
{
    return all->draining;
}
