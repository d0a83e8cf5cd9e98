/* SPDX-License-Identifier: MIT */
/* How a key of the KBS is called: in its store, in tokens and statements, and by kbsctl. */
#ifndef SNPVTPM_LIB_JOSE_KEY_ID_H
#define SNPVTPM_LIB_JOSE_KEY_ID_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/types.h>

#include "lib/base/must_check.h"

#define SIGNING_KEY_ID_SIZE 16 /* first bytes of SHA-384 of the DER SubjectPublicKeyInfo */

/* The id of a public key, or of a pair's; false when OpenSSL fails. */
MUST_CHECK bool key_id_of(const EVP_PKEY *key, uint8_t id[SIGNING_KEY_ID_SIZE]);

#endif
