/* SPDX-License-Identifier: MIT */
#include "tests/unit/proxy/pty.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int pty_open(const char *path)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    char device[64];

    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0 ||
        ptsname_r(master, device, sizeof(device)) != 0)
        abort();
    unlink(path);
    if (symlink(device, path) != 0)
        abort();
    return master;
}
