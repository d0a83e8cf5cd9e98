/* SPDX-License-Identifier: MIT */
/* The Unix socket to which QEMU connects a VM's serial port. */
#ifndef SNPVTPM_PROXY_UNIX_LISTENER_H
#define SNPVTPM_PROXY_UNIX_LISTENER_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/base/must_check.h"

#define UNIX_LISTENER_OWN_GROUP UINT32_MAX /* no gid_t */

enum unix_listener_status {
    UNIX_LISTENER_OK,
    UNIX_LISTENER_TOO_LONG,   /* the path does not fit a socket address */
    UNIX_LISTENER_IN_USE,     /* another process answers on it */
    UNIX_LISTENER_NOT_SOCKET, /* there is a file of another kind, which stays */
    UNIX_LISTENER_FAILED,     /* errno says why */
};

/*
 * Listens on path; a socket that nobody serves is replaced. Only its owner may connect (mode 0600)
 * and, if group is not UNIX_LISTENER_OWN_GROUP, this group (0660). *fd does not block.
 */
MUST_CHECK enum unix_listener_status unix_listener_open(const char *path, gid_t group, int *fd);

#endif
