/* SPDX-License-Identifier: MIT */
#include "kbs/server/http_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>
#include <openssl/crypto.h>

#include "kbs/metrics.h"
#include "kbs/server/tls_files.h"

#define STACK_SIZE       (2u << 20) /* bytes of a connection's thread: deep JSON is parsed on it */
#define FIRST_BODY_BYTES 4096       /* allocated at first; doubled as more arrives */

struct http_server {
    struct http_server_options options;
    struct connections *connections;
    struct MHD_Daemon *daemon;
    int quiesced_fd; /* -1 while connections are accepted */
};

/* A request while its body arrives; that of one that was refused is not kept. */
struct upload {
    size_t size, room, limit;
    uint8_t *body;
    struct http_reply refusal; /* status 0: none */
};

static struct connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

static const char *look_up(void *mhd, enum http_value_kind kind, const char *name)
{
    static const enum MHD_ValueKind kinds[] = {
        [HTTP_HEADER] = MHD_HEADER_KIND,
        [HTTP_COOKIE] = MHD_COOKIE_KIND,
        [HTTP_QUERY] = MHD_GET_ARGUMENT_KIND,
    };

    return MHD_lookup_connection_value(mhd, kinds[kind], name);
}

/* HEAD is answered as GET is; libmicrohttpd leaves out the body (RFC 9110, 9.3.2). */
static struct http_request describe(struct MHD_Connection *mhd, const char *method,
                                    const char *path, const struct upload *upload)
{
    bool head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;

    return (struct http_request){
        .method = head ? MHD_HTTP_METHOD_GET : method,
        .head = head,
        .path = path,
        .peer = connection_peer(connection_of(mhd)),
        .body = upload ? upload->body : NULL,
        .body_size = upload ? upload->size : 0,
        .now = time(NULL),
        .lookup = look_up,
        .connection = mhd,
    };
}

static bool has_header(const struct http_reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->header_count; i++)
        if (strcasecmp(reply->headers[i].name, name) == 0)
            return true;
    return false;
}

/* What is sent may be secret: nobody is to keep it unless the handler says otherwise. */
static bool add_headers(struct http_server *server, struct MHD_Response *response,
                        const struct http_reply *reply)
{
    bool added = true;

    if (!has_header(reply, "Cache-Control"))
        added = MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_YES;
    if (reply->content_type)
        added = MHD_add_response_header(response, "Content-Type", reply->content_type) == MHD_YES &&
                added;
    for (size_t i = 0; i < reply->header_count; i++)
        added = MHD_add_response_header(response, reply->headers[i].name,
                                        reply->headers[i].value) == MHD_YES &&
                added;
    if (connections_draining(server->connections))
        added = MHD_add_response_header(response, "Connection", "close") == MHD_YES && added;
    return added;
}

/* Sends the reply and releases it; where there was no memory for its body, says so without one. */
static enum MHD_Result send_reply(struct http_server *server, struct MHD_Connection *mhd,
                                  struct http_reply *reply)
{
    struct MHD_Response *response;
    enum MHD_Result result = MHD_NO;

    if (!reply->body)
        *reply = (struct http_reply){.status = HTTP_INTERNAL};
    response = MHD_create_response_from_buffer(reply->body_size, reply->body,
                                               reply->body ? MHD_RESPMEM_MUST_FREE
                                                           : MHD_RESPMEM_PERSISTENT);
    if (!response) {
        http_reply_release(reply);
        return MHD_NO;
    }
    if (add_headers(server, response, reply))
        result = MHD_queue_response(mhd, reply->status, response);
    MHD_destroy_response(response);
    metric_add(METRIC_REQUESTS, 1);
    return result;
}

static enum MHD_Result refuse_size(struct http_server *server, struct MHD_Connection *mhd)
{
    struct http_reply reply = {0};

    metric_add(METRIC_REQUESTS_REFUSED, 1);
    server->options.refuse(&reply, HTTP_CONTENT_TOO_LARGE, "body-too-large");
    return send_reply(server, mhd, &reply);
}

/* What the client says that its body will have, so that too much need not even be read. */
static unsigned long long announced(struct MHD_Connection *mhd)
{
    const char *length =
        MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

    return length ? strtoull(length, NULL, 10) : 0;
}

static enum MHD_Result begin(struct http_server *server, struct MHD_Connection *mhd,
                             const char *path, const char *method, void **state)
{
    struct http_request request = describe(mhd, method, path, NULL);
    struct upload *upload = calloc(1, sizeof(*upload));

    connection_begin_request(connection_of(mhd));
    if (!upload)
        return MHD_NO;
    *state = upload;
    upload->limit = server->options.gate(server->options.context, &request, &upload->refusal);
    if (upload->refusal.status != 0)
        metric_add(METRIC_REQUESTS_REFUSED, 1);
    if (announced(mhd) > upload->limit)
        return refuse_size(server, mhd);
    return MHD_YES;
}

/* Makes room for size more bytes. What was read may be secret: it is not left behind. */
MUST_CHECK static bool grow(struct upload *upload, size_t size)
{
    size_t room = upload->room ? upload->room : FIRST_BODY_BYTES;
    uint8_t *body;

    if (size <= upload->room - upload->size)
        return true;
    while (room - upload->size < size)
        room *= 2;
    body = malloc(room);
    if (!body)
        return false;
    if (upload->size > 0)
        memcpy(body, upload->body, upload->size);
    OPENSSL_clear_free(upload->body, upload->room);
    upload->body = body;
    upload->room = room;
    return true;
}

/* Takes *size bytes; a body that grows past its bound without having been announced is cut off. */
static enum MHD_Result receive(struct upload *upload, const char *data, size_t *size)
{
    if (*size > upload->limit - upload->size) {
        metric_add(METRIC_REQUESTS_REFUSED, 1);
        return MHD_NO;
    }
    if (upload->refusal.status == 0) {
        if (!grow(upload, *size))
            return MHD_NO;
        memcpy(upload->body + upload->size, data, *size);
    }
    upload->size += *size;
    *size = 0;
    return MHD_YES;
}

static enum MHD_Result answer(struct http_server *server, struct MHD_Connection *mhd,
                              const char *path, const char *method, struct upload *upload)
{
    struct http_request request = describe(mhd, method, path, upload);
    struct http_reply reply = {0};

    if (upload->refusal.status != 0) {
        reply = upload->refusal;
        upload->refusal = (struct http_reply){0};
        return send_reply(server, mhd, &reply);
    }
    server->options.handler(server->options.context, &request, &reply);
    return send_reply(server, mhd, &reply);
}

/* libmicrohttpd calls this first with the header, then with parts of the body, then without. */
static enum MHD_Result handle(void *server, struct MHD_Connection *mhd, const char *path,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **state)
{
    (void)version;
    if (!*state)
        return begin(server, mhd, path, method, state);
    if (*size > 0)
        return receive(*state, data, size);
    return answer(server, mhd, path, method, *state);
}

static void complete(void *server, struct MHD_Connection *mhd, void **state,
                     enum MHD_RequestTerminationCode why)
{
    struct upload *upload = *state;

    (void)server;
    (void)why;
    if (upload) {
        OPENSSL_clear_free(upload->body, upload->room);
        http_reply_release(&upload->refusal);
        free(upload);
        *state = NULL;
    }
    connection_end_request(connection_of(mhd));
}

static enum MHD_Result admit(void *context, const struct sockaddr *address, socklen_t size)
{
    struct http_server *server = context;

    (void)size;
    return connections_admit(server->connections, address) ? MHD_YES : MHD_NO;
}

/* Called by the thread that called admit(), which let in only what there is a place for. */
static void notice(void *context, struct MHD_Connection *mhd, void **own,
                   enum MHD_ConnectionNotificationCode what)
{
    struct http_server *server = context;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        const struct sockaddr *address =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;

        *own = connections_open(server->connections, fd, address, server);
    } else {
        connection_close(*own);
        *own = NULL;
    }
}

static int present(gnutls_session_t session, const gnutls_datum_t *wanted_issuers, int wanted_count,
                   const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
                   gnutls_pcert_st **chain, unsigned *length, gnutls_privkey_t *key)
{
    struct connection *connection = connection_of(gnutls_session_get_ptr(session));
    struct http_server *server = connection_owner(connection);

    (void)wanted_issuers;
    (void)wanted_count;
    (void)algorithms;
    (void)algorithm_count;
    tls_files_present(server->options.tls, chain, length, key);
    return 0;
}

/* Idle connections are ended as overdue ones are; libmicrohttpd's own time limit is for bodies and
 * replies that stand still. */
static struct MHD_Daemon *start_daemon(struct http_server *server, int fd)
{
    const struct http_server_options *options = &server->options;
    unsigned idle_s = (options->limits.idle_ms + 999) / 1000;
    const struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)present},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_PRIORITIES},
        {MHD_OPTION_END, 0, NULL},
    };
    const struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};

    return MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL |
            MHD_USE_ITC | (options->tls ? MHD_USE_TLS : 0),
        0, admit, server, handle, server, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
        options->limits.connections + 1, MHD_OPTION_CONNECTION_MEMORY_LIMIT, options->header_size,
        MHD_OPTION_CONNECTION_TIMEOUT, idle_s, MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_SIZE,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
        MHD_OPTION_NOTIFY_CONNECTION, notice, server, MHD_OPTION_NOTIFY_COMPLETED, complete, NULL,
        MHD_OPTION_ARRAY, options->tls ? tls : plain, MHD_OPTION_END);
}

struct http_server *http_server_start(int listening_fd, const struct http_server_options *options)
{
    struct http_server *server = calloc(1, sizeof(*server));

    if (!server)
        return NULL;
    server->options = *options;
    server->quiesced_fd = -1;
    server->connections = connections_new(&options->limits);
    if (server->connections)
        server->daemon = start_daemon(server, listening_fd);
    if (server->daemon)
        return server;
    connections_free(server->connections);
    free(server);
    return NULL;
}

unsigned http_server_drain(struct http_server *server, unsigned timeout_ms)
{
    /* Without the shutdown, clients would wait in the socket's queue. */
    if (server->quiesced_fd < 0) {
        server->quiesced_fd = MHD_quiesce_daemon(server->daemon);
        shutdown(server->quiesced_fd, SHUT_RDWR);
    }
    return connections_drain(server->connections, timeout_ms);
}

void http_server_stop(struct http_server *server)
{
    if (!server)
        return;
    MHD_stop_daemon(server->daemon);
    if (server->quiesced_fd >= 0)
        close(server->quiesced_fd);
    connections_free(server->connections);
    free(server);
}
