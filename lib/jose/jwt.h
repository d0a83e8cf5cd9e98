/* SPDX-License-Identifier: MIT */
/*
 * Signed claims: JWTs (RFC 7519) in compact form with ES256 only (RFC 7518 section 3.4). The key of
 * a token is found by its "kid"; a key that the token brings along is never believed.
 */
#ifndef SNPVTPM_LIB_JOSE_JWT_H
#define SNPVTPM_LIB_JOSE_JWT_H

#include <stddef.h>

#include <jansson.h>
#include <openssl/types.h>

#include "lib/base/must_check.h"

#define JWT_MAX     16384 /* characters */
#define JWT_KID_MAX 64    /* characters */

/* Signs claims with a P-256 key pair; the header names kid and has the public key as "jwk". NULL
 * when OpenSSL or the memory fails, or the token is longer than JWT_MAX. The caller frees it. */
MUST_CHECK char *jwt_sign(EVP_PKEY *key, const char *kid, const json_t *claims);

/* A reference to the key of that name, which is given back with EVP_PKEY_free, or NULL. */
typedef EVP_PKEY *jwt_find_key(void *context, const char *kid);

enum jwt_status {
    JWT_OK,
    JWT_MALFORMED,
    JWT_ALGORITHM,   /* not ES256, or with extensions that must be understood */
    JWT_KEY_UNKNOWN, /* no kid, or not one of ours */
    JWT_FORGED,      /* not signed with that key */
};

/* Verifies the signature of length characters. *claims is an object that the caller releases, NULL
 * on failure. What they say, and until when, is for the caller to check. */
MUST_CHECK enum jwt_status jwt_verify(const char *text, size_t length, jwt_find_key *find,
                                      void *context, json_t **claims);

/* A member of a JWK set: the public key of a P-256 key; NULL on failure. */
MUST_CHECK json_t *jwt_key_to_jwk(const EVP_PKEY *key, const char *kid);

#endif
