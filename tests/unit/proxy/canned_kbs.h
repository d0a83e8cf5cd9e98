/* SPDX-License-Identifier: MIT */
/*
 * A KBS that verifies nothing but which session a request belongs to: each has a nonce of its own,
 * and the secret that it releases is that nonce, so that a mix-up of two VMs shows.
 */
#ifndef SNPVTPM_TESTS_UNIT_PROXY_CANNED_KBS_H
#define SNPVTPM_TESTS_UNIT_PROXY_CANNED_KBS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define CANNED_KBS_CONNECTIONS 256

struct MHD_Daemon;

struct canned_kbs {
    const char *certificate, *key; /* PEM: serves HTTPS; NULL: HTTP */
    const char *priorities;        /* of GnuTLS, or NULL */
    atomic_int delay_ms;           /* before each answer */
    atomic_uint requests, sessions, released, mixed_up;
    int most_connections; /* that its clients had open at once; to be read once it has stopped */

    char url[64];
    uint16_t port; /* 0: any free one */
    struct MHD_Daemon *daemon;
    pthread_mutex_t lock; /* of what follows, and of most_connections */
    int connections[CANNED_KBS_CONNECTIONS];
    int connection_count;
};

/* At 127.0.0.1; the other members stay as they are. */
void canned_kbs_start(struct canned_kbs *kbs);
void canned_kbs_stop(struct canned_kbs *kbs);

/* Waits until it got as many requests. */
void canned_kbs_await_request(struct canned_kbs *kbs, unsigned count);

/* A whole conversation on the line; false: something is not as it should be. */
bool canned_kbs_attests(int vm);

#endif
