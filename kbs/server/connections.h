/* SPDX-License-Identifier: MIT */
/*
 * The connections of one listening socket: how many there are, in all and of each client, what
 * they are doing and since when. A thread ends those that are overdue, however they spend their
 * time: with silence, with a byte now and then, or with not reading what they asked for.
 */
#ifndef SNPVTPM_KBS_SERVER_CONNECTIONS_H
#define SNPVTPM_KBS_SERVER_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>

#include "lib/base/must_check.h"

struct connection_limits {
    unsigned connections;            /* in all */
    unsigned connections_per_client; /* client.h says who one is; 0: no such limit */
    unsigned idle_ms; /* from connecting, or the end of a request, to the end of the next header */
    unsigned request_ms; /* from there to the last byte of the reply */
};

struct connection;
struct connections;

/* NULL without memory or a thread. */
MUST_CHECK struct connections *connections_new(const struct connection_limits *limits);

/* Every connection must have been closed before. */
void connections_free(struct connections *all);

/* Whether a client at this address may have one more. */
MUST_CHECK bool connections_admit(struct connections *all, const struct sockaddr *address);

/* Adds the connection on socket fd; owner is for connection_owner. NULL when there are too many. */
MUST_CHECK struct connection *connections_open(struct connections *all, int fd,
                                               const struct sockaddr *address, void *owner);

/* It is over; the socket is still open, or its number could be another's. NULL is ignored. */
void connection_close(struct connection *connection);

/* A header is complete; the reply has been sent, or never will be. */
void connection_begin_request(struct connection *connection);
void connection_end_request(struct connection *connection);

/* The client's address. */
const char *connection_peer(const struct connection *connection);
void *connection_owner(const struct connection *connection);

/* Ends those without a request at once, waits for the others until they are done or timeout_ms are
 * over, and returns how many were not. From then on a request's end is its connection's too. */
unsigned connections_drain(struct connections *all, unsigned timeout_ms);

/* Whether connections_drain has been called. */
MUST_CHECK bool connections_draining(const struct connections *all);

#endif
