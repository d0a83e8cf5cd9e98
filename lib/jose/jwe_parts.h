/* SPDX-License-Identifier: MIT */
/* What every JWE of ours is made of, each one call of OpenSSL's long: key derivation, key wrap,
 * content encryption. */
#ifndef SNPVTPM_LIB_JOSE_JWE_PARTS_H
#define SNPVTPM_LIB_JOSE_JWE_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "lib/base/reader.h"

#define JWE_KEK_SIZE 32

/* The key-encrypting key that ECDH-ES+A256KW (RFC 7518 section 4.6) gets from two keys of one
 * curve, without party information. peer is known to be on the curve. */
MUST_CHECK bool jwe_agree(EVP_PKEY *own, EVP_PKEY *peer, uint8_t kek[JWE_KEK_SIZE]);

/* AES key wrap (RFC 3394) of size bytes, to size + 8; and back. */
MUST_CHECK bool jwe_wrap_key(const uint8_t kek[JWE_KEK_SIZE], const uint8_t *key, size_t size,
                             uint8_t *wrapped);

/* AES-256-GCM of size bytes with the text aad authenticated. */
MUST_CHECK bool jwe_encrypt_content(const uint8_t cek[32], const uint8_t iv[12], const char *aad,
                                    const void *plaintext, size_t size, uint8_t *ciphertext,
                                    uint8_t tag[16]);

#endif
