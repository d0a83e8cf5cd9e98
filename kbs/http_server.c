/* SPDX-License-Identifier: MIT */
#include "kbs/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

#include "kbs/log.h"

#define CONNECTIONS_MAX   256
#define CONNECTION_MEMORY 16384 /* bytes for the header of a request and the buffers */
#define IDLE_TIMEOUT      10u   /* seconds without a byte */
#define REQUEST_TIMEOUT   30    /* seconds for a whole request */
#define SESSION_COOKIE    "kbs-session-id"

struct http_server {
    struct api *api;
    struct MHD_Daemon *daemon;
};

/* A request while its body arrives. */
struct upload {
    time_t started; /* monotonic */
    size_t size;
    uint8_t body[API_BODY_MAX];
};

static time_t monotonic(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void peer_name(struct MHD_Connection *connection, char name[INET6_ADDRSTRLEN])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;

    strcpy(name, "unknown");
    if (address && address->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, name,
                  INET6_ADDRSTRLEN);
    else if (address && address->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, name,
                  INET6_ADDRSTRLEN);
}

static bool add_session_cookie(struct MHD_Response *response, const char *id)
{
    char cookie[128];

    snprintf(cookie, sizeof(cookie), SESSION_COOKIE "=%s; Path=/kbs/v0; Max-Age=%d; HttpOnly", id,
             SESSION_LIFETIME);
    return MHD_add_response_header(response, MHD_HTTP_HEADER_SET_COOKIE, cookie) == MHD_YES;
}

/* Sends reply and frees its body. */
static enum MHD_Result send_reply(struct MHD_Connection *connection, struct api_reply *reply)
{
    struct MHD_Response *response;
    enum MHD_Result result = MHD_NO;

    if (!reply->body)
        return MHD_NO;
    response =
        MHD_create_response_from_buffer(strlen(reply->body), reply->body, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(reply->body);
        return MHD_NO;
    }
    if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json") ==
            MHD_YES &&
        (!reply->session_id[0] || add_session_cookie(response, reply->session_id)))
        result = MHD_queue_response(connection, reply->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse_size(struct MHD_Connection *connection)
{
    struct api_reply reply = {0};
    char peer[INET6_ADDRSTRLEN];

    peer_name(connection, peer);
    log_event("request", "{s:s, s:s, s:s}", "result", "refused", "reason", "body-too-large", "peer",
              peer);
    api_refuse(&reply, MHD_HTTP_CONTENT_TOO_LARGE, "AttestationError", "body-too-large");
    return send_reply(connection, &reply);
}

/* Whether the request announces a body that need not even be read. */
static bool announces_too_much(struct MHD_Connection *connection)
{
    const char *length =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

    return length && strtoull(length, NULL, 10) > API_BODY_MAX;
}

static enum MHD_Result begin(struct MHD_Connection *connection, void **state)
{
    struct upload *upload;

    if (announces_too_much(connection))
        return refuse_size(connection);
    upload = malloc(sizeof(*upload));
    if (!upload)
        return MHD_NO;
    upload->started = monotonic();
    upload->size = 0;
    *state = upload;
    return MHD_YES;
}

/* Takes *size bytes; a body that grows past its bound without having been announced is cut off. */
static enum MHD_Result receive(struct upload *upload, const char *data, size_t *size)
{
    if (*size > sizeof(upload->body) - upload->size ||
        monotonic() - upload->started > REQUEST_TIMEOUT)
        return MHD_NO;
    memcpy(upload->body + upload->size, data, *size);
    upload->size += *size;
    *size = 0;
    return MHD_YES;
}

static enum MHD_Result answer(struct http_server *server, struct MHD_Connection *connection,
                              const char *path, const char *method, const struct upload *upload)
{
    char peer[INET6_ADDRSTRLEN];
    const struct api_request request = {
        .method = method,
        .path = path,
        .session_id = MHD_lookup_connection_value(connection, MHD_COOKIE_KIND, SESSION_COOKIE),
        .peer = peer,
        .body = upload->body,
        .body_size = upload->size,
        .now = time(NULL),
    };
    struct api_reply reply;

    peer_name(connection, peer);
    api_answer(server->api, &request, &reply);
    return send_reply(connection, &reply);
}

/* libmicrohttpd calls this first with the header, then with parts of the body, then without. */
static enum MHD_Result handle(void *server, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **state)
{
    (void)version;
    if (!*state)
        return begin(connection, state);
    if (*size > 0)
        return receive(*state, data, size);
    return answer(server, connection, path, method, *state);
}

static void complete(void *server, struct MHD_Connection *connection, void **state,
                     enum MHD_RequestTerminationCode why)
{
    (void)server;
    (void)connection;
    (void)why;
    free(*state);
    *state = NULL;
}

struct http_server *http_server_start(struct api *api, int listening_fd)
{
    struct http_server *server = calloc(1, sizeof(*server));

    if (!server)
        return NULL;
    server->api = api;
    server->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL, 0, NULL,
                                      NULL, handle, server, MHD_OPTION_LISTEN_SOCKET, listening_fd,
                                      MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
                                      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
                                      MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT,
                                      MHD_OPTION_NOTIFY_COMPLETED, complete, NULL, MHD_OPTION_END);
    if (!server->daemon) {
        free(server);
        return NULL;
    }
    return server;
}

void http_server_stop(struct http_server *server)
{
    MHD_stop_daemon(server->daemon);
    free(server);
}
