/* SPDX-License-Identifier: MIT */
/*
 * A server under test on a free port of 127.0.0.1. Its handler answers
 *
 *   POST /echo   what it got             GET  /big    BIG_BODY bytes
 *   GET  /wait   after served_release()  GET  /peer   the client's address
 *   GET  /path/  the path and the arguments "a", the header "X-Test" and the cookie "c"
 *
 * and its gate lets bodies of BODY_MAX in, and refuses /closed with 429.
 */
#ifndef SNPVTPM_TESTS_UNIT_KBS_SERVER_SERVED_H
#define SNPVTPM_TESTS_UNIT_KBS_SERVER_SERVED_H

#include "kbs/server/http_server.h"

#define BODY_MAX 65536
#define BIG_BODY (16u << 20)

struct served {
    struct http_server *server;
    unsigned port;
};

/* The limits of a server that is not under stress. */
struct connection_limits served_limits(void);

/* Starts one; asserts that it does. */
struct served served_start(const struct connection_limits *limits, struct tls_files *tls);

void served_stop(struct served *served);

/* Waits until so many handlers are in /wait; and lets all of them go on. */
bool served_wait_for_waiting(unsigned count);
void served_release(void);

#endif
