/* SPDX-License-Identifier: MIT */
#include "tests/unit/proxy/pty.h"
#include "tests/unit/registered.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* -1 without /dev/ptmx or /dev/pts. */
static int open_master(char *device, size_t room)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (master >= 0 && (grantpt(master) != 0 || unlockpt(master) != 0 ||
                        ptsname_r(master, device, room) != 0 || access(device, F_OK) != 0)) {
        close(master);
        return -1;
    }
    return master;
}

int pty_open(const char *path)
{
    char device[64];
    int master = open_master(device, sizeof(device));

    if (master < 0) {
        print_message("skipped: there are no pseudo-terminals here (/dev/pts)\n");
        skip();
    }
    unlink(path);
    assert_int_equal(symlink(device, path), 0);
    return master;
}
