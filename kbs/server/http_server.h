/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1, with TLS 1.3 or in the clear, in front of a handler: bounds on connections, headers,
 * bodies and time. Each connection has a thread of its own, so that a handler may wait, and nobody
 * else waits with it.
 */
#ifndef SNPVTPM_KBS_SERVER_HTTP_SERVER_H
#define SNPVTPM_KBS_SERVER_HTTP_SERVER_H

#include "kbs/http/message.h"
#include "kbs/server/connections.h"

struct tls_files;

/*
 * Called when a request's header is complete and nothing of its body was read (body is NULL):
 * returns how many bytes the body may have. Refuses the request by setting reply->status: its body
 * is then read but not kept, so that the client gets to read the reply.
 */
typedef size_t http_gate(void *context, const struct http_request *request,
                         struct http_reply *reply);

/* Makes the reply to what the server itself refuses; code says why, as "body-too-large". */
typedef void http_refuser(struct http_reply *reply, unsigned status, const char *code);

struct http_server_options {
    http_gate *gate;
    http_handler *handler;
    http_refuser *refuse;
    void *context;         /* of gate and handler */
    struct tls_files *tls; /* NULL: in the clear; borrowed */
    size_t header_size;    /* bytes of a request's header, and what else a connection has to keep */
    struct connection_limits limits;
};

struct http_server;

/* Serves on a listening socket, which it takes over, until http_server_stop. NULL on failure. */
MUST_CHECK struct http_server *http_server_start(int listening_fd,
                                                 const struct http_server_options *options);

/* Accepts nothing more and lets the requests under way finish, as long as timeout_ms; returns how
 * many did not. */
unsigned http_server_drain(struct http_server *server, unsigned timeout_ms);

/* Ends what is left, waits for handlers that still work, and frees the server. */
void http_server_stop(struct http_server *server);

#endif
