/* SPDX-License-Identifier: MIT */
#include "proxy/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
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

void systemd_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = path ? strlen(path) : 0;
    int fd;

    if (length == 0 || length >= sizeof(address.sun_path))
        return;
    memcpy(address.sun_path, path, length);
    if (address.sun_path[0] == '@') /* an abstract address */
        address.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    /* Nobody there to hear it: then nobody waits for it. */
    (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
    close(fd);
}
