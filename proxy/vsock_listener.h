/* SPDX-License-Identifier: MIT */
/* The vsock port to which SVSMs with a vsock device connect. */
#ifndef SNPVTPM_PROXY_VSOCK_LISTENER_H
#define SNPVTPM_PROXY_VSOCK_LISTENER_H

#include <stdint.h>

#include "lib/base/must_check.h"

#define VSOCK_PORT_DEFAULT 1995

enum vsock_listener_status {
    VSOCK_LISTENER_OK,
    VSOCK_LISTENER_UNSUPPORTED, /* this kernel has no vsock */
    VSOCK_LISTENER_IN_USE,      /* another process listens on the port */
    VSOCK_LISTENER_FAILED,      /* errno says why */
};

/* Listens on port for VMs of any CID; *fd does not block. */
MUST_CHECK enum vsock_listener_status vsock_listener_open(uint32_t port, int *fd);

#endif
