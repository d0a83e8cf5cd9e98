/* SPDX-License-Identifier: MIT */
#include "kbs/server/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 512

/* getaddrinfo would take a number that is too large as another one. */
MUST_CHECK static bool is_port(const char *text)
{
    size_t length = strlen(text);

    return length > 0 && length <= 5 && strspn(text, "0123456789") == length &&
           strtoul(text, NULL, 10) <= UINT16_MAX;
}

/* Splits at the last colon and takes the brackets of an IPv6 address off. */
MUST_CHECK static bool split(const char *address, char host[LISTENER_NAME_MAX + 1],
                             const char **port)
{
    const char *colon = strrchr(address, ':');
    size_t length = colon ? (size_t)(colon - address) : 0;
    bool bracketed = length > 2 && address[0] == '[' && colon[-1] == ']';

    if (bracketed) {
        address++;
        length -= 2;
    }
    if (length == 0 || length > LISTENER_NAME_MAX || (!bracketed && memchr(address, ':', length)))
        return false;
    memcpy(host, address, length);
    host[length] = '\0';
    *port = colon + 1;
    return is_port(*port);
}

/* NULL when it is none; otherwise to be freed with freeaddrinfo. */
MUST_CHECK static struct addrinfo *parse(const char *address)
{
    struct addrinfo numeric = {
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
        .ai_socktype = SOCK_STREAM,
    };
    char host[LISTENER_NAME_MAX + 1];
    const char *port;
    struct addrinfo *at;

    return split(address, host, &port) && getaddrinfo(host, port, &numeric, &at) == 0 ? at : NULL;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 ==
               IN_LOOPBACKNET;
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

bool listener_is_address(const char *text, bool *loopback)
{
    struct addrinfo *at = parse(text);

    if (!at)
        return false;
    *loopback = is_loopback(at->ai_addr);
    freeaddrinfo(at);
    return true;
}

static void name_of(int fd, char name[LISTENER_NAME_MAX + 1])
{
    struct sockaddr_storage own = {0};
    socklen_t size = sizeof(own);
    char host[INET6_ADDRSTRLEN] = "", port[6] = "";

    getsockname(fd, (struct sockaddr *)&own, &size);
    getnameinfo((struct sockaddr *)&own, size, host, sizeof(host), port, sizeof(port),
                NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(name, LISTENER_NAME_MAX + 1, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static enum listener_status status_of(int error)
{
    switch (error) {
    case EADDRINUSE:
        return LISTENER_IN_USE;
    case EADDRNOTAVAIL:
        return LISTENER_NOT_HERE;
    default:
        return LISTENER_FAILED;
    }
}

static enum listener_status listen_at(const struct addrinfo *at, int *fd)
{
    int on = 1, error;

    *fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0)
        return LISTENER_FAILED;
    setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(*fd, at->ai_addr, at->ai_addrlen) == 0 && listen(*fd, BACKLOG) == 0)
        return LISTENER_OK;
    error = errno;
    close(*fd);
    errno = error;
    return status_of(error);
}

enum listener_status listener_open(const char *address, int *fd, char name[LISTENER_NAME_MAX + 1])
{
    struct addrinfo *at = parse(address);
    enum listener_status status;

    if (!at)
        return LISTENER_BAD_ADDRESS;
    status = listen_at(at, fd);
    freeaddrinfo(at);
    if (status == LISTENER_OK)
        name_of(*fd, name);
    return status;
}

const char *listener_status_text(enum listener_status status)
{
    switch (status) {
    case LISTENER_OK:
        return "listening";
    case LISTENER_BAD_ADDRESS:
        return "not an ADDRESS:PORT in numbers, such as 127.0.0.1:8080 or [::1]:8080";
    case LISTENER_IN_USE:
        return "in use; stop the program that uses it, or choose another address";
    case LISTENER_NOT_HERE:
        return "this machine has no such address";
    case LISTENER_FAILED:
        return strerror(errno);
    }
    return "unknown";
}
