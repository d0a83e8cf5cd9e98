/* SPDX-License-Identifier: MIT */
/*
 * What the proxy is told to do. Each option has one name, on the command line (--NAME VALUE) and in
 * a configuration file (NAME = VALUE;), and one place where its value is checked.
 */
#ifndef SNPVTPM_PROXY_OPTIONS_H
#define SNPVTPM_PROXY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/must_check.h"
#include "proxy/log.h"

#define OPTIONS_LISTENERS_MAX 16 /* of each kind */

struct option_list {
    size_t count;
    char *values[OPTIONS_LISTENERS_MAX];
};

/* Strings are owned, and NULL when not given. */
struct options {
    char *url; /* without final slashes */
    char *ca, *pin, *resource;
    struct option_list unix_paths, serial_devices;
    bool vsock;
    uint32_t vsock_port;
    char *socket_group;
    gid_t socket_gid; /* of socket_group, else UNIX_LISTENER_OWN_GROUP */
    long timeout_s;
    unsigned connections, per_peer, rate, kbs_connections;
    enum log_format log;
};

/* What is wrong with an option, and what is allowed. */
struct options_problem {
    char text[256];
};

/* The defaults. */
void options_init(struct options *options);
void options_free(struct options *options);

/*
 * Sets the option of this name. A list gets one more value, any other is replaced. vsock may have
 * the value "", its default. False: *problem says why.
 */
MUST_CHECK bool options_set(struct options *options, const char *name, const char *value,
                            struct options_problem *problem);

/*
 * Checks what concerns several options, or files, once all are set: an address, something to listen
 * on (inherited: sockets that the service manager gave), certificates that can be read.
 */
MUST_CHECK bool options_check(const struct options *options, unsigned inherited,
                              struct options_problem *problem);

#endif
