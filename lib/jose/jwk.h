/* SPDX-License-Identifier: MIT */
/*
 * Public keys to which secrets are encrypted, as JWKs (RFC 7517, RFC 7518 section 6): of an EC key
 * on P-256 or P-521 for ECDH-ES+A256KW, or an RSA key for RSA-OAEP-256.
 */
#ifndef SNPVTPM_LIB_JOSE_JWK_H
#define SNPVTPM_LIB_JOSE_JWK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <openssl/types.h>

#include "lib/base/must_check.h"
#include "lib/jose/p521.h"

#define JWK_P256_SIZE    32  /* bytes of a coordinate */
#define JWK_MODULUS_MIN  256 /* bytes: RSA keys of 2048 ... */
#define JWK_MODULUS_MAX  512 /* ... to 4096 bits */
#define JWK_EXPONENT_MIN 65537
#define JWK_EXPONENT_MAX 8 /* bytes */

enum jwk_kind {
    JWK_P256,
    JWK_P521,
    JWK_RSA,
};

/* The members, decoded: x and y of an EC key, n and e of an RSA key. */
struct jwk {
    enum jwk_kind kind;
    size_t first_size, second_size;
    uint8_t first[JWK_MODULUS_MAX];
    uint8_t second[P521_COORDINATE_SIZE];
};

enum jwk_status {
    JWK_OK,
    JWK_MALFORMED,
    JWK_MIXED,       /* members of both kinds */
    JWK_UNSUPPORTED, /* another kind, curve or algorithm */
    JWK_WEAK,        /* an RSA key that is too short or has too small an exponent */
    JWK_INVALID,     /* no RSA key */
};

/* Parses; a point is not known to be on its curve. Members that are not needed are passed over. */
MUST_CHECK enum jwk_status jwk_parse(const json_t *json, struct jwk *key);

/* Whether it is a key: what encrypts to one finds out for itself. */
MUST_CHECK bool jwk_is_key(const struct jwk *key);

/* The JWK again, from the decoded members only; NULL without memory. */
MUST_CHECK json_t *jwk_to_json(const struct jwk *key);

/* For OpenSSL; NULL when it is no key. The caller frees it. */
MUST_CHECK EVP_PKEY *jwk_to_key(const struct jwk *key);

/* The value of "alg". */
const char *jwk_algorithm(const struct jwk *key);

/* The two coordinates of an EC key that is no part of a struct jwk, as {"crv", "kty", "x", "y"};
 * NULL for other keys than P-256 and P-521, or without memory. */
MUST_CHECK json_t *jwk_of_ec_key(const EVP_PKEY *key);

/* The point of a JWK_P521. */
struct p521_point jwk_p521_point(const struct jwk *key);

#endif
