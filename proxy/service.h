/* SPDX-License-Identifier: MIT */
/* The service as a whole: what it listens on, and its life from the first socket to SIGTERM. */
#ifndef SNPVTPM_PROXY_SERVICE_H
#define SNPVTPM_PROXY_SERVICE_H

#include "proxy/options.h"

/* Exit statuses. */
enum service_status {
    SERVICE_DONE = 0,
    SERVICE_FAILED = 3, /* it cannot listen, or resources are short */
    SERVICE_IN_USE = 5, /* another process listens there */
};

/*
 * Serves until SIGTERM or SIGINT, then lets what is in progress finish for some seconds. Says on
 * stderr what is wrong. inherited: how many listening sockets begin at SYSTEMD_FIRST_FD.
 */
MUST_CHECK enum service_status service_run(const struct options *options, unsigned inherited);

#endif
