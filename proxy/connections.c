/* SPDX-License-Identifier: MIT */
#include "proxy/connections.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "proxy/log.h"
#include "proxy/serial_device.h"
#include "proxy/workers.h"

/* Between tries to open a device. */
#define REOPEN_FIRST_MS 100
#define REOPEN_LAST_MS  5000

#define REFUSALS_LOGGED_MS 1000 /* at most one line in this time */

struct connections {
    struct exchange_options options;
    int stop;
    struct peers *peers;
    struct turns *turns;
    struct workers workers;
    atomic_uint last_number;

    /* Of the thread that accepts. */
    int64_t refusal_logged_ms;
    unsigned refusals_unlogged;
};

/* What the thread of an accepted connection owns. */
struct connection {
    struct connections *all;
    int fd;
    struct peer peer;
    struct peer_account *account;
};

/* What the thread of a device owns. */
struct device {
    struct connections *all;
    const char *path;
    struct peer peer;
    int last_problem; /* an errno, a negative status, or 0: so that each is logged once */
};

struct connections *connections_new(const struct exchange_options *options,
                                    const struct peers_limits *limits, int stop)
{
    struct connections *connections = calloc(1, sizeof(*connections));

    if (!connections)
        return NULL;
    connections->options = *options;
    connections->stop = stop;
    workers_init(&connections->workers);
    connections->peers = peers_new(limits);
    connections->turns = turns_new(options->at_once);
    if (connections->peers && connections->turns)
        return connections;
    connections_free(connections);
    return NULL;
}

void connections_free(struct connections *connections)
{
    if (!connections)
        return;
    workers_destroy(&connections->workers);
    peers_free(connections->peers);
    turns_free(connections->turns);
    free(connections);
}

unsigned connections_wait(struct connections *connections, int64_t deadline_ms)
{
    return workers_wait(&connections->workers, deadline_ms);
}

static void converse(struct connections *all, int fd, const struct peer *peer,
                     struct peer_account *account)
{
    struct line line = {.fd = fd, .stop = all->stop};
    struct exchange_peer whom = {
        .source = {.connection = atomic_fetch_add(&all->last_number, 1) + 1, .peer = peer->name},
        .peers = all->peers,
        .account = account,
        .turns = all->turns,
    };

    exchange_serve(&line, &all->options, &whom);
}

static void serve_connection(void *context)
{
    struct connection *connection = context;

    converse(connection->all, connection->fd, &connection->peer, connection->account);
    close(connection->fd);
    peers_leave(connection->all->peers, connection->account);
    free(connection);
}

/* Whoever connects again and again must not fill the log. */
static void log_refusal(struct connections *connections, const struct peer *peer, const char *why)
{
    int64_t now_ms = clock_now_ms();

    connections->refusals_unlogged++;
    if (connections->refusal_logged_ms != 0 &&
        now_ms - connections->refusal_logged_ms < REFUSALS_LOGGED_MS)
        return;
    log_line(LOG_WARNING, &(struct log_source){.peer = peer->name}, "refused", why,
             "%u since the last such line", connections->refusals_unlogged);
    connections->refusal_logged_ms = now_ms;
    connections->refusals_unlogged = 0;
}

/* NULL when the connection can be served, else why not. */
static const char *start_serving(struct connections *connections, struct connection *connection)
{
    switch (peers_enter(connections->peers, &connection->peer, &connection->account)) {
    case PEERS_TOO_MANY:
        return "too-many-connections";
    case PEERS_TOO_MANY_OF_PEER:
        return "too-many-connections-of-peer";
    case PEERS_ADMITTED:
        break;
    }
    if (workers_start(&connections->workers, serve_connection, connection))
        return NULL;
    peers_leave(connections->peers, connection->account);
    return "out-of-resources";
}

void connections_accept(struct connections *connections, int fd)
{
    struct connection *connection = malloc(sizeof(*connection));
    struct peer peer = {.name = "unknown"};
    const char *problem = "out-of-resources";

    if (connection && peer_of_socket(fd, &peer)) {
        *connection = (struct connection){.all = connections, .fd = fd, .peer = peer};
        problem = start_serving(connections, connection);
    }
    if (!problem)
        return;
    log_refusal(connections, &peer, problem);
    free(connection);
    close(fd);
}

static void log_device(struct device *device, int problem, const char *text)
{
    if (problem != device->last_problem)
        log_line(LOG_WARNING, &(struct log_source){.peer = device->peer.name}, "device-unavailable",
                 NULL, "%s; it is tried again", text);
    device->last_problem = problem;
}

static bool open_device(struct device *device, int *fd)
{
    enum serial_device_status status = serial_device_open(device->path, fd);

    switch (status) {
    case SERIAL_DEVICE_OK:
        device->last_problem = 0;
        return true;
    case SERIAL_DEVICE_WRONG_KIND:
        log_device(device, -(int)status, "it is no character device");
        break;
    case SERIAL_DEVICE_IN_USE:
        log_device(device, -(int)status, "another process has locked it");
        break;
    case SERIAL_DEVICE_FAILED:
        log_device(device, errno, strerror(errno));
        break;
    }
    return false;
}

/* False when it could not be served. */
static bool serve_once(struct device *device)
{
    struct peer_account *account;
    int fd;

    if (!open_device(device, &fd))
        return false;
    if (peers_enter(device->all->peers, &device->peer, &account) == PEERS_ADMITTED) {
        converse(device->all, fd, &device->peer, account);
        peers_leave(device->all->peers, account);
    }
    close(fd);
    return true;
}

/* A device that is there but at its end at once (its VM is off) is as one that is not there. */
static void serve_device(void *context)
{
    struct device *device = context;
    int reopen_ms = REOPEN_FIRST_MS;

    do {
        int64_t start_ms = clock_now_ms();

        if (serve_once(device) && clock_now_ms() - start_ms > REOPEN_LAST_MS)
            reopen_ms = REOPEN_FIRST_MS;
        else
            reopen_ms = 2 * reopen_ms < REOPEN_LAST_MS ? 2 * reopen_ms : REOPEN_LAST_MS;
    } while (line_pause(device->all->stop, reopen_ms));
    free(device);
}

bool connections_serve_device(struct connections *connections, const char *path, unsigned index)
{
    struct device *device = malloc(sizeof(*device));

    if (!device)
        return false;
    *device = (struct device){
        .all = connections,
        .path = path,
        .peer = {.kind = PEER_DEVICE, .id = index},
    };
    snprintf(device->peer.name, sizeof(device->peer.name), "serial %s", path);
    if (workers_start(&connections->workers, serve_device, device))
        return true;
    free(device);
    return false;
}
