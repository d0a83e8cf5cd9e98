/* SPDX-License-Identifier: MIT */
/*
 * A server's certificate chain and private key, from PEM files that may be replaced while it runs.
 * Thread-safe.
 */
#ifndef SNPVTPM_KBS_SERVER_TLS_FILES_H
#define SNPVTPM_KBS_SERVER_TLS_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <time.h>

#include <gnutls/abstract.h>

#include "lib/base/must_check.h"

/* TLS 1.3 and nothing else, as GnuTLS says it. */
#define TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:%SERVER_PRECEDENCE"

struct tls_files;

struct tls_error {
    char text[PATH_MAX + 256]; /* which file, what is wrong, what to do */
};

/*
 * Loads them and checks that they go together. The key's file must be for its owner only;
 * "credential:NAME" is a file of systemd's. NULL, and why, otherwise. The paths are borrowed.
 */
MUST_CHECK struct tls_files *tls_files_load(const char *certificate, const char *key,
                                            struct tls_error *error);

/* Loads the files again, for connections from now on. On failure those before stay in use. */
MUST_CHECK bool tls_files_reload(struct tls_files *files, struct tls_error *error);

void tls_files_free(struct tls_files *files);

/* When the server's own certificate ends. */
time_t tls_files_expiry(struct tls_files *files);

/* What a handshake presents; valid until tls_files_free. */
void tls_files_present(struct tls_files *files, gnutls_pcert_st **chain, unsigned *length,
                       gnutls_privkey_t *key);

#endif
