/* SPDX-License-Identifier: MIT */
#include "tests/unit/kbs-server/net.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <openssl/ssl.h>

static _Thread_local char reply[NET_REPLY_MAX];

unsigned net_port(const char *name)
{
    return (unsigned)strtoul(strrchr(name, ':') + 1, NULL, 10);
}

int net_connect(unsigned port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    struct timeval patience = {.tv_sec = 20};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

bool net_send(int fd, const char *text)
{
    return send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

const char *net_read_all(int fd)
{
    size_t used = 0;
    ssize_t got;

    while (used < sizeof(reply) - 1 &&
           (got = recv(fd, reply + used, sizeof(reply) - 1 - used, 0)) > 0)
        used += (size_t)got;
    reply[used] = '\0';
    return reply;
}

/* Bytes of a whole reply, once its header is there */
static size_t size_of_reply(void)
{
    const char *end = strstr(reply, "\r\n\r\n"), *length = strstr(reply, "Content-Length: ");

    if (!end || !length)
        return sizeof(reply) - 1;
    return (size_t)(end + 4 - reply) + strtoul(length + strlen("Content-Length: "), NULL, 10);
}

const char *net_read_reply(int fd)
{
    size_t used = 0;
    ssize_t got = 1;

    reply[0] = '\0';
    while (got > 0 && used < size_of_reply()) {
        got = recv(fd, reply + used, 1, 0);
        used += got > 0 ? (size_t)got : 0;
        reply[used] = '\0';
    }
    return reply;
}

bool net_is_closed_within(int fd, int ms)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    char byte;

    return poll(&readable, 1, ms) == 1 && recv(fd, &byte, 1, 0) <= 0;
}

const char *net_converse(unsigned port, const char *text)
{
    int fd = net_connect(port);
    const char *answer = "";

    if (fd >= 0 && net_send(fd, text))
        answer = net_read_all(fd);
    close(fd);
    return answer;
}

static const char *converse_over(SSL *tls, const char *text)
{
    size_t used = 0;
    int got;

    if (SSL_connect(tls) != 1 || SSL_write(tls, text, (int)strlen(text)) <= 0)
        return NULL;
    while (used < sizeof(reply) - 1 &&
           (got = SSL_read(tls, reply + used, (int)(sizeof(reply) - 1 - used))) > 0)
        used += (size_t)got;
    reply[used] = '\0';
    return reply;
}

const char *net_converse_tls(unsigned port, int version, const char *ca, const char *text)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    int fd = net_connect(port);
    const char *answer = NULL;
    SSL *tls;

    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_load_verify_locations(context, ca, NULL);
    tls = SSL_new(context);
    SSL_set1_host(tls, "localhost");
    SSL_set_fd(tls, fd);
    if (fd >= 0)
        answer = converse_over(tls, text);
    SSL_free(tls);
    SSL_CTX_free(context);
    close(fd);
    return answer;
}
