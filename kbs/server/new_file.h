/* SPDX-License-Identifier: MIT */
/* Certificates and keys in files that the program makes. */
#ifndef SNPVTPM_KBS_SERVER_NEW_FILE_H
#define SNPVTPM_KBS_SERVER_NEW_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>
#include <sys/types.h>

#include "lib/file/durable.h"

/* Makes a file of a certificate, a private or a public key in PEM (lib/file/durable.h). False with
 * errno, which is 0 when OpenSSL failed. */
MUST_CHECK bool new_file_write_certificate(const char *path, mode_t mode, enum file_place place,
                                           X509 *certificate);
MUST_CHECK bool new_file_write_key(const char *path, mode_t mode, enum file_place place,
                                   EVP_PKEY *key);
MUST_CHECK bool new_file_write_public(const char *path, mode_t mode, enum file_place place,
                                      EVP_PKEY *key);

#endif
