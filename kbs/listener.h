/* SPDX-License-Identifier: MIT */
/* The TCP socket on which the server accepts connections. */
#ifndef SNPVTPM_KBS_LISTENER_H
#define SNPVTPM_KBS_LISTENER_H

#include <stdint.h>

#include "lib/base/reader.h"

enum listener_status {
    LISTENER_OK,
    LISTENER_BAD_ADDRESS,  /* not HOST:PORT with a numeric host */
    LISTENER_NOT_LOOPBACK, /* plain HTTP must not leave the machine */
    LISTENER_IN_USE,
    LISTENER_FAILED, /* errno says why */
};

struct listener {
    int fd;
    uint16_t port; /* the actual one when port 0 was asked for */
};

/* Listens on "127.0.0.1:8080" or "[::1]:8080". The caller closes listener->fd. */
MUST_CHECK enum listener_status listener_open(const char *address, struct listener *listener);

#endif
