/* SPDX-License-Identifier: MIT */
/* The sockets that systemd hands to a service (sd_listen_fds(3)). */
#ifndef SNPVTPM_PROXY_SYSTEMD_H
#define SNPVTPM_PROXY_SYSTEMD_H

#include <stdbool.h>

#include "lib/base/must_check.h"

#define SYSTEMD_FIRST_FD 3

/*
 * How many listening sockets this process was started with, from SYSTEMD_FIRST_FD on; they become
 * non-blocking and close-on-exec. Takes the variables out of the environment.
 */
unsigned systemd_listen_fds(void);

/* Whether fd is a stream socket that listens, on a Unix or vsock address. */
MUST_CHECK bool systemd_is_listener(int fd);

#endif
