/* SPDX-License-Identifier: MIT */
/* The TCP sockets on which the server accepts connections. */
#ifndef SNPVTPM_KBS_SERVER_LISTENER_H
#define SNPVTPM_KBS_SERVER_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/must_check.h"

#define LISTENER_NAME_MAX 79 /* characters of ADDRESS:PORT */

enum listener_status {
    LISTENER_OK,
    LISTENER_BAD_ADDRESS, /* not ADDRESS:PORT with a numeric address */
    LISTENER_IN_USE,
    LISTENER_NOT_HERE, /* this machine does not have the address */
    LISTENER_FAILED,   /* errno says why */
};

/* Whether text is such as "127.0.0.1:8080", "[::1]:8080"; and whether it is of the loopback. */
MUST_CHECK bool listener_is_address(const char *text, bool *loopback);

/* Listens there; port 0 is any free port. name gets the address with the actual port. The caller
 * closes *fd. */
MUST_CHECK enum listener_status listener_open(const char *address, int *fd,
                                              char name[LISTENER_NAME_MAX + 1]);

/* In words, without a full stop; LISTENER_FAILED takes errno's. */
const char *listener_status_text(enum listener_status status);

#endif
