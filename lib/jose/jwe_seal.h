/* SPDX-License-Identifier: MIT */
/*
 * A secret encrypted to any key that a JWK may be (jwk.h), as flattened JWE (RFC 7516 section
 * 7.2.2): ECDH-ES+A256KW for EC keys, RSA-OAEP-256 for RSA keys, A256GCM for the content.
 *
 * The protected header has one spelling only, because clients parse it and write it anew: no white
 * space, "alg" and "enc" first, then the other members sorted.
 */
#ifndef SNPVTPM_LIB_JOSE_JWE_SEAL_H
#define SNPVTPM_LIB_JOSE_JWE_SEAL_H

#include "lib/jose/jwk.h"

#define JWE_SEAL_MAX 65536 /* bytes of plaintext */

/* Encrypts 1 to JWE_SEAL_MAX bytes. NULL when to is no key of its kind, or OpenSSL or the memory
 * fails. The caller releases the object. */
MUST_CHECK json_t *jwe_seal(const struct jwk *to, const void *plaintext, size_t size);

#endif
