/* SPDX-License-Identifier: MIT */
#include "proxy/peers.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <linux/vm_sockets.h>

#include "proxy/clock.h"

/* Free places keep what is known of peers that left, so that leaving does not renew a burst. */
struct peer_account {
    enum peer_kind kind;
    uint64_t id;
    unsigned open;
    int64_t next_ns; /* when the next message would be due at a steady rate */
    struct turn_share share;
};

struct peers {
    pthread_mutex_t lock; /* of all that follows */
    struct peers_limits limits;
    int64_t interval_ns; /* between messages at a steady rate */
    unsigned open;
    size_t account_count;
    struct peer_account accounts[];
};

static bool unix_peer(int fd, struct peer *peer)
{
    struct ucred process;
    socklen_t size = sizeof(process);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &process, &size) != 0)
        return false;
    peer->kind = process.pid > 0 ? PEER_PROCESS : PEER_USER;
    peer->id = process.pid > 0 ? (uint64_t)process.pid : process.uid;
    snprintf(peer->name, sizeof(peer->name), "unix pid %d uid %u", (int)process.pid, process.uid);
    return true;
}

static bool vsock_peer(const struct sockaddr_vm *address, struct peer *peer)
{
    peer->kind = PEER_CID;
    peer->id = address->svm_cid;
    snprintf(peer->name, sizeof(peer->name), "vsock cid %u", address->svm_cid);
    return true;
}

bool peer_of_socket(int fd, struct peer *peer)
{
    union {
        struct sockaddr any;
        struct sockaddr_vm vsock;
        struct sockaddr_storage room;
    } address;
    socklen_t size = sizeof(address);

    if (getpeername(fd, &address.any, &size) != 0)
        return false;
    switch (address.any.sa_family) {
    case AF_UNIX:
        return unix_peer(fd, peer);
    case AF_VSOCK:
        return vsock_peer(&address.vsock, peer);
    default:
        return false;
    }
}

struct peers *peers_new(const struct peers_limits *limits)
{
    size_t count = 2 * (size_t)limits->total;
    struct peers *peers = calloc(1, sizeof(*peers) + count * sizeof(peers->accounts[0]));

    if (!peers)
        return NULL;
    pthread_mutex_init(&peers->lock, NULL);
    peers->limits = *limits;
    peers->interval_ns = NS_PER_S / limits->rate;
    peers->account_count = count;
    return peers;
}

void peers_free(struct peers *peers)
{
    if (!peers)
        return;
    pthread_mutex_destroy(&peers->lock);
    free(peers);
}

/*
 * The peer's own account, else the one of those left that was used the longest time ago. NULL: all
 * are in use, which limits.total excludes.
 */
static struct peer_account *find_account(struct peers *peers, const struct peer *peer)
{
    struct peer_account *oldest = NULL;

    for (size_t i = 0; i < peers->account_count; i++) {
        struct peer_account *account = &peers->accounts[i];

        if (account->next_ns != 0 && account->kind == peer->kind && account->id == peer->id)
            return account;
        if (account->open == 0 && (!oldest || account->next_ns < oldest->next_ns))
            oldest = account;
    }
    if (oldest)
        *oldest = (struct peer_account){
            .kind = peer->kind,
            .id = peer->id,
            .next_ns = clock_now_ns(),
        };
    return oldest;
}

enum peers_verdict peers_enter(struct peers *peers, const struct peer *peer,
                               struct peer_account **account)
{
    enum peers_verdict verdict = PEERS_TOO_MANY;

    *account = NULL;
    pthread_mutex_lock(&peers->lock);
    if (peers->open < peers->limits.total)
        *account = find_account(peers, peer);
    if (*account && (*account)->open >= peers->limits.per_peer) {
        verdict = PEERS_TOO_MANY_OF_PEER;
    } else if (*account) {
        verdict = PEERS_ADMITTED;
        (*account)->open++;
        peers->open++;
    }
    pthread_mutex_unlock(&peers->lock);
    return verdict;
}

void peers_leave(struct peers *peers, struct peer_account *account)
{
    pthread_mutex_lock(&peers->lock);
    account->open--;
    peers->open--;
    pthread_mutex_unlock(&peers->lock);
}

struct turn_share *peers_share(struct peer_account *account)
{
    return &account->share;
}

int peers_turn_ms(struct peers *peers, struct peer_account *account)
{
    int64_t now_ns = clock_now_ns(), burst_ns = PEERS_BURST * peers->interval_ns, wait_ns;

    pthread_mutex_lock(&peers->lock);
    if (account->next_ns < now_ns)
        account->next_ns = now_ns;
    wait_ns = account->next_ns - now_ns - burst_ns;
    account->next_ns += peers->interval_ns;
    pthread_mutex_unlock(&peers->lock);
    return wait_ns <= 0 ? 0 : (int)(wait_ns / NS_PER_MS) + 1;
}
