/* SPDX-License-Identifier: MIT */
/* HTTP in front of the API: bounds on bodies, connections and time, and the session cookie. */
#ifndef SNPVTPM_KBS_HTTP_SERVER_H
#define SNPVTPM_KBS_HTTP_SERVER_H

#include "kbs/api.h"

struct http_server;

/*
 * Serves api on the listening socket from a thread of its own, which alone uses api until
 * http_server_stop; takes the socket over. NULL on failure.
 */
MUST_CHECK struct http_server *http_server_start(struct api *api, int listening_fd);

/* Ends the requests under way and frees the server. */
void http_server_stop(struct http_server *server);

#endif
