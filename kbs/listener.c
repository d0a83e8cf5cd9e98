/* SPDX-License-Identifier: MIT */
#include "kbs/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST_MAX 63 /* characters */
#define BACKLOG  64

/* Splits at the last colon and takes the brackets of an IPv6 address off. */
MUST_CHECK static bool split(const char *address, char host[HOST_MAX + 1], const char **port)
{
    const char *colon = strrchr(address, ':');
    size_t length = colon ? (size_t)(colon - address) : 0;
    bool bracketed = length > 2 && address[0] == '[' && colon[-1] == ']';

    if (bracketed) {
        address++;
        length -= 2;
    }
    if (length == 0 || length > HOST_MAX || (!bracketed && memchr(address, ':', length)))
        return false;
    memcpy(host, address, length);
    host[length] = '\0';
    *port = colon + 1;
    return **port != '\0';
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 ==
               IN_LOOPBACKNET;
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static uint16_t port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } own = {0};
    socklen_t size = sizeof(own);

    if (getsockname(fd, &own.any, &size) != 0)
        return 0;
    return ntohs(own.any.sa_family == AF_INET ? own.v4.sin_port : own.v6.sin6_port);
}

static enum listener_status listen_at(const struct addrinfo *at, struct listener *listener)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1, error;

    if (fd < 0)
        return LISTENER_FAILED;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, at->ai_addr, at->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        error = errno;
        close(fd);
        errno = error;
        return error == EADDRINUSE ? LISTENER_IN_USE : LISTENER_FAILED;
    }
    *listener = (struct listener){.fd = fd, .port = port_of(fd)};
    return LISTENER_OK;
}

enum listener_status listener_open(const char *address, struct listener *listener)
{
    const struct addrinfo numeric = {
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
        .ai_socktype = SOCK_STREAM,
    };
    char host[HOST_MAX + 1];
    const char *port;
    struct addrinfo *at;
    enum listener_status status;

    if (!split(address, host, &port) || getaddrinfo(host, port, &numeric, &at) != 0)
        return LISTENER_BAD_ADDRESS;
    status = is_loopback(at->ai_addr) ? listen_at(at, listener) : LISTENER_NOT_LOOPBACK;
    freeaddrinfo(at);
    return status;
}
