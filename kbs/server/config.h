/* SPDX-License-Identifier: MIT */
/*
 * The server's configuration, kbs.conf: libconfig's language, every setting checked as it is read
 * (docs/kbs.md has the reference). What is wrong is said with its line, all of it at once.
 */
#ifndef SNPVTPM_KBS_SERVER_CONFIG_H
#define SNPVTPM_KBS_SERVER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/must_check.h"

#define CONFIG_SIZE_MAX      65536 /* bytes */
#define CONFIG_LISTENERS_MAX 8     /* of each kind */
#define CONFIG_ERRORS_MAX    8192  /* bytes of text */

/* A string and the line where it is; NULL when it is not set. A relative path was made one from the
 * configuration's folder. */
struct config_text {
    char *text;
    int line;
};

struct config_listener {
    int line;
    struct config_text address, certificate, key;
};

struct config_listeners {
    size_t count;
    struct config_listener listeners[CONFIG_LISTENERS_MAX];
};

struct config_limits {
    int connections, connections_per_client;             /* of each public listener */
    int admin_connections, admin_connections_per_client; /* of each for administrators */
    int header_size;                                     /* bytes */
    int idle_time, request_time, shutdown_time;          /* seconds */
    int rate, burst, total_rate, total_burst;            /* rate_limit.h */
};

struct config {
    struct config_listeners listen, admin_listen;
    struct config_text store, master_key, amd_certs;
    struct config_text kds_url, kds_cache;
    int kds_timeout; /* seconds */
    struct config_text emulated_root, emulated_certificates;
    struct config_text attestation_policy;
    int sessions;
    struct config_limits limits;
    struct config_text log_format;
};

struct config_errors {
    unsigned count;
    char text[CONFIG_ERRORS_MAX]; /* a line for each: "kbs.conf:3: ..." */
};

/* Reads a configuration; name is for errors. Looks at no file. *config is to be freed always. */
MUST_CHECK bool config_parse(const char *text, const char *name, const char *folder,
                             struct config *config, struct config_errors *errors);

/* Reads the file at path, and checks that the files that it names are there, readable, and, where
 * they are secret, their owner's alone. *config is to be freed always. */
MUST_CHECK bool config_load(const char *path, struct config *config, struct config_errors *errors);

void config_free(struct config *config);

#endif
