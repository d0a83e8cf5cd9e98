/* SPDX-License-Identifier: MIT */
#include "proxy/unix_listener.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 64

static int new_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static int bind_to(int fd, const struct sockaddr_un *address)
{
    mode_t before = umask(0077);
    int result = bind(fd, (const struct sockaddr *)address, sizeof(*address));

    umask(before);
    return result;
}

/* Before there is anybody to accept: until then the file is the owner's alone. */
static bool open_to_group(const struct sockaddr_un *address, gid_t group)
{
    return group == UNIX_LISTENER_OWN_GROUP ||
           (chown(address->sun_path, (uid_t)-1, group) == 0 && chmod(address->sun_path, 0660) == 0);
}

/* A full backlog (EAGAIN) is somebody's, too. */
static bool answers(const struct sockaddr_un *address)
{
    int fd = new_socket();
    bool connected =
        fd >= 0 &&
        (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN);

    if (fd >= 0)
        close(fd);
    return connected;
}

/* Removes what is at the path if it is a socket that nobody serves. */
static enum unix_listener_status remove_stale(const struct sockaddr_un *address)
{
    struct stat file;

    if (lstat(address->sun_path, &file) != 0)
        return UNIX_LISTENER_FAILED;
    if (!S_ISSOCK(file.st_mode))
        return UNIX_LISTENER_NOT_SOCKET;
    if (answers(address))
        return UNIX_LISTENER_IN_USE;
    return unlink(address->sun_path) == 0 ? UNIX_LISTENER_OK : UNIX_LISTENER_FAILED;
}

static enum unix_listener_status bind_and_listen(int fd, const struct sockaddr_un *address,
                                                 gid_t group)
{
    enum unix_listener_status status;
    int error;

    if (bind_to(fd, address) != 0) {
        if (errno != EADDRINUSE)
            return UNIX_LISTENER_FAILED;
        status = remove_stale(address);
        if (status != UNIX_LISTENER_OK)
            return status;
        if (bind_to(fd, address) != 0)
            return UNIX_LISTENER_FAILED;
    }
    if (open_to_group(address, group) && listen(fd, BACKLOG) == 0)
        return UNIX_LISTENER_OK;
    error = errno;
    unlink(address->sun_path);
    errno = error;
    return UNIX_LISTENER_FAILED;
}

enum unix_listener_status unix_listener_open(const char *path, gid_t group, int *fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    enum unix_listener_status status;
    int error;

    if (strlen(path) >= sizeof(address.sun_path))
        return UNIX_LISTENER_TOO_LONG;
    strcpy(address.sun_path, path);
    *fd = new_socket();
    if (*fd < 0)
        return UNIX_LISTENER_FAILED;
    status = bind_and_listen(*fd, &address, group);
    if (status != UNIX_LISTENER_OK) {
        error = errno;
        close(*fd);
        errno = error;
    }
    return status;
}
