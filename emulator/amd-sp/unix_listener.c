/* SPDX-License-Identifier: MIT */
#include "emulator/amd-sp/unix_listener.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void remove_stale_socket(const char *path)
{
    struct stat status;

    if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode))
        unlink(path);
}

MUST_CHECK static bool bind_privately(int listener, const struct sockaddr_un *address)
{
    mode_t before = umask(S_IRWXG | S_IRWXO);
    bool is_bound = bind(listener, (const struct sockaddr *)address, sizeof(*address)) == 0;

    umask(before);
    return is_bound;
}

int unix_listen(const char *path, int type)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener;

    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    listener = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (listener < 0)
        return -1;
    remove_stale_socket(path);
    if (!bind_privately(listener, &address) || listen(listener, 1) != 0) {
        close(listener);
        return -1;
    }
    return listener;
}
