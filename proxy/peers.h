/* SPDX-License-Identifier: MIT */
/*
 * Who is at the other end of a connection, how many connections each may have, and how fast it may
 * talk. What the KBS takes from all VMs of this host is shared out among them by turns.h.
 */
#ifndef SNPVTPM_PROXY_PEERS_H
#define SNPVTPM_PROXY_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/must_check.h"
#include "proxy/turns.h"

#define PEER_NAME_MAX 160

enum peer_kind {
    PEER_PROCESS, /* of a Unix socket, by its process id: QEMU is a process for each VM */
    PEER_USER,    /* of a Unix socket, of a process that has no id here */
    PEER_CID,     /* of a vsock socket */
    PEER_DEVICE,  /* a serial device, by its place in the configuration */
};

struct peer {
    enum peer_kind kind;
    uint64_t id;
    char name[PEER_NAME_MAX]; /* for the log */
};

/* Asks the kernel who connected to the Unix or vsock socket fd; false: it is neither. */
MUST_CHECK bool peer_of_socket(int fd, struct peer *peer);

struct peers_limits {
    unsigned total;    /* connections at once */
    unsigned per_peer; /* of one peer */
    unsigned rate;     /* messages a second of one peer, after a burst of PEERS_BURST */
};

/* A VM that boots needs two. With a KBS as kbs init makes it, one that never stops asking stays
 * below what that takes from the whole host (burst 20, then 5 a second). */
#define PEERS_BURST        16
#define PEERS_RATE_DEFAULT 2

struct peers;
struct peer_account;

enum peers_verdict {
    PEERS_ADMITTED,
    PEERS_TOO_MANY,         /* in total */
    PEERS_TOO_MANY_OF_PEER, /* of this peer */
};

/* NULL without memory. */
MUST_CHECK struct peers *peers_new(const struct peers_limits *limits);

/* Not while anybody is admitted. */
void peers_free(struct peers *peers);

/* Counts a connection of peer in; *account is its peer's, until peers_leave(). */
MUST_CHECK enum peers_verdict peers_enter(struct peers *peers, const struct peer *peer,
                                          struct peer_account **account);
void peers_leave(struct peers *peers, struct peer_account *account);

/* What the account's peer had of its turns. */
struct turn_share *peers_share(struct peer_account *account);

/*
 * Takes a message's place in the peer's queue: the milliseconds from now until its turn, 0 as long
 * as the peer keeps to its rate.
 */
MUST_CHECK int peers_turn_ms(struct peers *peers, struct peer_account *account);

#endif
