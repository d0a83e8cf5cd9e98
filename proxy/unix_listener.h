/* SPDX-License-Identifier: MIT */
/* The Unix socket to which QEMU connects a VM's serial port. */
#ifndef SNPVTPM_PROXY_UNIX_LISTENER_H
#define SNPVTPM_PROXY_UNIX_LISTENER_H

#include "lib/base/reader.h"

enum unix_listener_status {
    UNIX_LISTENER_OK,
    UNIX_LISTENER_TOO_LONG,   /* the path does not fit a socket address */
    UNIX_LISTENER_IN_USE,     /* another process answers on it */
    UNIX_LISTENER_NOT_SOCKET, /* there is a file of another kind, which stays */
    UNIX_LISTENER_FAILED,     /* errno says why */
};

/* Listens on path, which only its owner may use; a socket that nobody serves is replaced. */
MUST_CHECK enum unix_listener_status unix_listener_open(const char *path, int *fd);

#endif
