/* SPDX-License-Identifier: MIT */
/*
 * What every JWE of ours is made of, each little more than a call of OpenSSL: key agreement, key
 * wrap, content encryption. For the files beside it only.
 */
#ifndef SNPVTPM_LIB_JOSE_JWE_PARTS_H
#define SNPVTPM_LIB_JOSE_JWE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "lib/base/must_check.h"

#define JWE_KEK_SIZE         32
#define JWE_CEK_SIZE         32
#define JWE_WRAPPED_CEK_SIZE 40
#define JWE_IV_SIZE          12
#define JWE_TAG_SIZE         16

/* The key-encrypting key that ECDH-ES+A256KW (RFC 7518 section 4.6) gets from two keys on one
 * curve, without party information. The caller has checked that peer is on it. */
MUST_CHECK bool jwe_agree(EVP_PKEY *own, EVP_PKEY *peer, uint8_t kek[JWE_KEK_SIZE]);

/* AES key wrap (RFC 3394). */
MUST_CHECK bool jwe_wrap_key(const uint8_t kek[JWE_KEK_SIZE], const uint8_t cek[JWE_CEK_SIZE],
                             uint8_t wrapped[JWE_WRAPPED_CEK_SIZE]);

/* False when it was wrapped with another key, or altered. */
MUST_CHECK bool jwe_unwrap_key(const uint8_t kek[JWE_KEK_SIZE],
                               const uint8_t wrapped[JWE_WRAPPED_CEK_SIZE],
                               uint8_t cek[JWE_CEK_SIZE]);

/* AES-256-GCM of size bytes, the text aad being authenticated too. */
MUST_CHECK bool jwe_encrypt_content(const uint8_t cek[JWE_CEK_SIZE], const uint8_t iv[JWE_IV_SIZE],
                                    const char *aad, const void *plaintext, size_t size,
                                    uint8_t *ciphertext, uint8_t tag[JWE_TAG_SIZE]);

/* False when anything was altered; plaintext then holds nothing of use, and is to be wiped. */
MUST_CHECK bool jwe_decrypt_content(const uint8_t cek[JWE_CEK_SIZE], const uint8_t iv[JWE_IV_SIZE],
                                    const char *aad, const uint8_t *ciphertext, size_t size,
                                    void *plaintext, const uint8_t tag[JWE_TAG_SIZE]);

#endif
