/* SPDX-License-Identifier: MIT */
/*
 * All conversations with VMs, each in a thread of its own, so that none waits for another; and the
 * limits that hold for them together.
 */
#ifndef SNPVTPM_PROXY_CONNECTIONS_H
#define SNPVTPM_PROXY_CONNECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/must_check.h"
#include "proxy/exchange.h"
#include "proxy/peers.h"

struct connections;

/*
 * They end when stop becomes readable. The strings of the options stay the caller's. NULL: memory
 * is short.
 */
MUST_CHECK struct connections *connections_new(const struct exchange_options *options,
                                               const struct peers_limits *limits, int stop);

/* Not before connections_wait() returned 0. */
void connections_free(struct connections *connections);

/* Serves the accepted socket fd, which is handed over; refuses it, by closing it, if it must. */
void connections_accept(struct connections *connections, int fd);

/*
 * Serves the device at path, which is kept, in a thread: opens it, and again whenever it goes away.
 * index tells several devices apart. False: no thread for it.
 */
MUST_CHECK bool connections_serve_device(struct connections *connections, const char *path,
                                         unsigned index);

/* Waits for all to end, at most until then by the monotonic clock; returns how many have not. */
unsigned connections_wait(struct connections *connections, int64_t deadline_ms);

#endif
