/* SPDX-License-Identifier: MIT */
#include "proxy/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/options.h"

static bool parse_variable(const char *name, long *value)
{
    const char *text = getenv(name);
    char *end;

    if (!text)
        return false;
    errno = 0;
    *value = strtol(text, &end, 10);
    return errno == 0 && end != text && *end == '\0';
}

static void tame(int fd)
{
    int status = fcntl(fd, F_GETFL);

    if (status >= 0)
        (void)fcntl(fd, F_SETFL, status | O_NONBLOCK);
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

unsigned systemd_listen_fds(void)
{
    long pid = 0, count = 0;

    if (!parse_variable("LISTEN_PID", &pid) || !parse_variable("LISTEN_FDS", &count) ||
        pid != getpid() || count < 0 || count > OPTIONS_LISTENERS_MAX)
        count = 0;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    for (int i = 0; i < count; i++)
        tame(SYSTEMD_FIRST_FD + i);
    return (unsigned)count;
}

static bool socket_option(int fd, int name, int *value)
{
    socklen_t size = sizeof(*value);

    return getsockopt(fd, SOL_SOCKET, name, value, &size) == 0;
}

bool systemd_is_listener(int fd)
{
    int domain, type, listening;

    return socket_option(fd, SO_DOMAIN, &domain) && socket_option(fd, SO_TYPE, &type) &&
           socket_option(fd, SO_ACCEPTCONN, &listening) &&
           (domain == AF_UNIX || domain == AF_VSOCK) && type == SOCK_STREAM && listening;
}
