/* SPDX-License-Identifier: MIT */
#include "services/tpm/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/writer.h"
#include "services/common/log.h"
#include "services/tpm/mssim.h"

#define PORTS              2
#define CONNECTIONS_MAX    16
#define HANDSHAKE_VERSION  1
#define HANDSHAKE_IN_RAW   0x1 /* commands need no framing beyond this protocol's */
#define HANDSHAKE_PLATFORM 0x2 /* the platform port exists */
#define REPLY_MAX          (4 + TPM_RESPONSE_MAX + 4)

struct connection {
    int fd; /* -1: free */
    enum mssim_port port;
    size_t used;
    uint8_t received[MSSIM_MESSAGE_MAX];
    /* The reply that the client has not taken yet. Until it has, nothing more is read from it. */
    size_t reply_size;
    size_t reply_sent;
    uint8_t reply[REPLY_MAX];
};

struct server {
    struct engine *engine;
    int listeners[PORTS];
    int signals;
    struct connection connections[CONNECTIONS_MAX];
    bool stop;
};

static int listen_on(uint16_t port)
{
    int one = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
        bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 8) == 0)
        return fd;
    log_error("cannot listen on 127.0.0.1 port %u: %s; choose another port with --tcp",
              (unsigned)port, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static void close_connection(struct connection *connection)
{
    close(connection->fd);
    explicit_bzero(connection, sizeof(*connection));
    connection->fd = -1;
}

static void accept_connection(struct server *server, enum mssim_port port)
{
    int one = 1;
    int fd = accept4(server->listeners[port], NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *free_one = &server->connections[i];

        if (free_one->fd < 0) {
            free_one->fd = fd;
            free_one->port = port;
            return;
        }
    }
    log_warning("refused a connection: %d are open already", CONNECTIONS_MAX);
    close(fd);
}

MUST_CHECK static bool put_command_reply(struct server *server, const struct mssim_message *message,
                                         struct writer *reply)
{
    uint8_t response[TPM_RESPONSE_MAX];
    size_t size = engine_execute(server->engine, message->locality, message->command.next,
                                 message->command.left, response);

    return writer_be32(reply, (uint32_t)size) && writer_put(reply, response, size);
}

/* Does what a message asks for and puts what precedes the final zero of the reply. */
MUST_CHECK static bool perform(struct server *server, const struct mssim_message *message,
                               struct writer *reply)
{
    switch (message->request) {
    case MSSIM_SEND_COMMAND:
        return put_command_reply(server, message, reply);
    case MSSIM_HANDSHAKE:
        return writer_be32(reply, HANDSHAKE_VERSION) &&
               writer_be32(reply, HANDSHAKE_IN_RAW | HANDSHAKE_PLATFORM);
    case MSSIM_POWER_ON:
        return server->engine->powered || engine_power_cycle(server->engine);
    case MSSIM_POWER_OFF:
        engine_power_off(server->engine);
        return true;
    case MSSIM_RESET:
        return !server->engine->powered || engine_power_cycle(server->engine);
    case MSSIM_PHYSICAL_PRESENCE_ON:
    case MSSIM_PHYSICAL_PRESENCE_OFF:
    case MSSIM_CANCEL_ON:
    case MSSIM_CANCEL_OFF:
    case MSSIM_NV_ON:
    case MSSIM_NV_OFF:
        return true; /* accepted, as the simulator does; this TPM has neither */
    case MSSIM_SESSION_END:
    case MSSIM_STOP:
        break; /* answered by closing: see answer() */
    }
    return false;
}

/* Performs a message. False when the connection is to be closed. */
MUST_CHECK static bool answer(struct server *server, struct connection *connection,
                              const struct mssim_message *message)
{
    struct writer reply = writer_over(connection->reply, sizeof(connection->reply));

    if (message->request == MSSIM_STOP)
        server->stop = true;
    if (message->request == MSSIM_SESSION_END || message->request == MSSIM_STOP ||
        !perform(server, message, &reply) || !writer_be32(&reply, 0))
        return false;
    connection->reply_sent = 0;
    connection->reply_size = reply.used;
    return true;
}

static bool reply_is_pending(const struct connection *connection)
{
    return connection->reply_sent < connection->reply_size;
}

/* Sends as much of the reply as the client takes now. False when the connection has failed. */
MUST_CHECK static bool send_reply(struct connection *connection)
{
    ssize_t sent;

    if (!reply_is_pending(connection))
        return true;
    sent = send(connection->fd, connection->reply + connection->reply_sent,
                connection->reply_size - connection->reply_sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0)
        connection->reply_sent += (size_t)sent;
    return sent >= 0 || errno == EAGAIN || errno == EINTR;
}

/*
 * tpm2-tss writes a message in pieces, and Nagle's algorithm holds a piece back until the one
 * before is acknowledged: without this each command takes the 40 ms of a delayed acknowledgement.
 */
static void acknowledge_at_once(int fd)
{
    int one = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one)); /* lasts for a while only */
}

/* Receives what there is. False when the connection is closed or has failed. */
MUST_CHECK static bool receive(struct connection *connection)
{
    ssize_t got = recv(connection->fd, connection->received + connection->used,
                       sizeof(connection->received) - connection->used, MSG_DONTWAIT);

    acknowledge_at_once(connection->fd);
    if (got > 0)
        connection->used += (size_t)got;
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

/* Answers the messages that are whole, as long as the client takes the replies. */
MUST_CHECK static bool answer_all(struct server *server, struct connection *connection)
{
    struct reader bytes = reader_over(connection->received, connection->used);
    struct mssim_message message;
    enum mssim_parse outcome = MSSIM_INCOMPLETE;
    bool keep = true;

    while (keep && !reply_is_pending(connection) &&
           (outcome = mssim_parse(connection->port, &bytes, &message)) == MSSIM_WHOLE)
        keep = answer(server, connection, &message) && send_reply(connection);
    memmove(connection->received, bytes.next, bytes.left);
    connection->used = bytes.left;
    return keep && outcome != MSSIM_MALFORMED;
}

static void serve_connection(struct server *server, struct connection *connection)
{
    bool alive = reply_is_pending(connection) ? send_reply(connection) : receive(connection);

    if (!alive || !answer_all(server, connection))
        close_connection(connection);
}

/* One round: waits, then serves every descriptor that has something. */
MUST_CHECK static bool serve_once(struct server *server)
{
    struct pollfd polls[PORTS + CONNECTIONS_MAX + 1];
    struct pollfd *connections = polls + PORTS;
    struct pollfd *signals = connections + CONNECTIONS_MAX;

    for (size_t i = 0; i < PORTS; i++)
        polls[i] = (struct pollfd){.fd = server->listeners[i], .events = POLLIN};
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        connections[i] = (struct pollfd){
            .fd = server->connections[i].fd,
            .events = reply_is_pending(&server->connections[i]) ? POLLOUT : POLLIN,
        };
    *signals = (struct pollfd){.fd = server->signals, .events = POLLIN};
    if (poll(polls, PORTS + CONNECTIONS_MAX + 1, -1) < 0)
        return errno == EINTR;

    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (connections[i].fd >= 0 && connections[i].revents != 0)
            serve_connection(server, &server->connections[i]);
    for (size_t i = 0; i < PORTS; i++)
        if (polls[i].revents != 0)
            accept_connection(server, (enum mssim_port)i);
    server->stop |= signals->revents != 0;
    return true;
}

/* A descriptor that becomes readable when the program is to end. */
MUST_CHECK static int take_stop_signals(void)
{
    sigset_t stop;

    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGHUP);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    return signalfd(-1, &stop, SFD_CLOEXEC);
}

bool server_run(struct engine *engine, uint16_t port)
{
    struct server *server = calloc(1, sizeof(*server));
    bool healthy = true;

    if (!server) {
        log_error("no memory to serve connections");
        return false;
    }
    server->engine = engine;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        server->connections[i].fd = -1;
    server->signals = take_stop_signals();
    if (server->signals < 0) {
        log_error("cannot wait for signals: %s", strerror(errno));
        healthy = false;
    }
    for (size_t i = 0; i < PORTS; i++) {
        server->listeners[i] = healthy ? listen_on((uint16_t)(port + i)) : -1;
        healthy = server->listeners[i] >= 0;
    }
    if (healthy)
        log_info("TPM ready on 127.0.0.1, command port %u, platform port %u", (unsigned)port,
                 port + 1u);
    while (healthy && !server->stop)
        healthy = serve_once(server);

    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (server->connections[i].fd >= 0)
            close_connection(&server->connections[i]);
    for (size_t i = 0; i < PORTS; i++)
        if (server->listeners[i] >= 0)
            close(server->listeners[i]);
    if (server->signals >= 0)
        close(server->signals);
    free(server);
    return healthy;
}
