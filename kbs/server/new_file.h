/* SPDX-License-Identifier: MIT */
/* Files and folders that the program makes: never in the place of others, and durable. */
#ifndef SNPVTPM_KBS_SERVER_NEW_FILE_H
#define SNPVTPM_KBS_SERVER_NEW_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>
#include <sys/types.h>

#include "lib/base/must_check.h"

enum new_file_how {
    NEW_FILE_ONLY,    /* fails with EEXIST where there is one of that name */
    NEW_FILE_REPLACE, /* takes its place, at once and whole */
};

/* Makes a file with these bytes; false with errno. A file that was begun is removed. */
MUST_CHECK bool new_file_write(const char *path, mode_t mode, enum new_file_how how,
                               const void *bytes, size_t size);

/* The same with a certificate, a private or a public key in PEM. errno is 0 when OpenSSL failed. */
MUST_CHECK bool new_file_write_certificate(const char *path, mode_t mode, enum new_file_how how,
                                           X509 *certificate);
MUST_CHECK bool new_file_write_key(const char *path, mode_t mode, enum new_file_how how,
                                   EVP_PKEY *key);
MUST_CHECK bool new_file_write_public(const char *path, mode_t mode, enum new_file_how how,
                                      EVP_PKEY *key);

#endif
