/* SPDX-License-Identifier: MIT */
/* Files and folders that the program makes: never in the place of others, and durable. */
#ifndef SNPVTPM_KBS_SERVER_NEW_FILE_H
#define SNPVTPM_KBS_SERVER_NEW_FILE_H

#include <stddef.h>

#include <openssl/types.h>
#include <sys/types.h>

#include "lib/base/reader.h"

/* Makes a file with these bytes; false with errno, EEXIST when there is one of that name. A file
 * that was begun is removed. */
MUST_CHECK bool new_file_write(const char *path, mode_t mode, const void *bytes, size_t size);

/* The same with a certificate, a private or a public key in PEM. errno is 0 when OpenSSL failed. */
MUST_CHECK bool new_file_write_certificate(const char *path, mode_t mode, X509 *certificate);
MUST_CHECK bool new_file_write_key(const char *path, mode_t mode, EVP_PKEY *key);
MUST_CHECK bool new_file_write_public(const char *path, mode_t mode, EVP_PKEY *key);

/* Puts bytes in the place of a file, at once and whole, or makes it. */
MUST_CHECK bool new_file_replace(const char *path, mode_t mode, const void *bytes, size_t size);

#endif
