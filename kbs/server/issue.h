/* SPDX-License-Identifier: MIT */
/*
 * Certificates for an owner who has none: a certificate authority of the owner's own, and server
 * certificates from it. Keys are P-256.
 */
#ifndef SNPVTPM_KBS_SERVER_ISSUE_H
#define SNPVTPM_KBS_SERVER_ISSUE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <openssl/types.h>

#include "lib/base/must_check.h"

#define ISSUE_CA_DAYS     3650
#define ISSUE_SERVER_DAYS 365
#define ISSUE_HOSTS_MAX   16

struct issued {
    EVP_PKEY *key;
    X509 *certificate;
};

/* Whether host is a DNS name or an address in numbers. */
MUST_CHECK bool issue_is_host(const char *host);

/* A new authority. False without memory or randomness; *ca is empty then. */
MUST_CHECK bool issue_ca(time_t now, struct issued *ca);

/* A certificate of ca's for a server with these hosts, each of which issue_is_host(). */
MUST_CHECK bool issue_server(const struct issued *ca, const char *const *hosts, size_t count,
                             time_t now, struct issued *server);

/* Another certificate with another key in the place of an older one of ca's, for the same hosts. */
MUST_CHECK bool issue_again(const struct issued *ca, const X509 *older, time_t now,
                            struct issued *server);

void issued_free(struct issued *issued);

#endif
