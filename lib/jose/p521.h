/* SPDX-License-Identifier: MIT */
/* Keys on the NIST curve P-521 as the attestation protocols carry them: bare coordinates. */
#ifndef SNPVTPM_LIB_JOSE_P521_H
#define SNPVTPM_LIB_JOSE_P521_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/types.h>

#include "lib/base/must_check.h"

#define P521_COORDINATE_SIZE 66

/* Affine coordinates, big-endian, padded with zeros on the left. */
struct p521_point {
    uint8_t x[P521_COORDINATE_SIZE];
    uint8_t y[P521_COORDINATE_SIZE];
};

/* A fresh key pair; NULL when OpenSSL fails. Free it with EVP_PKEY_free, which wipes it. */
MUST_CHECK EVP_PKEY *p521_generate(void);

/* The public key at a point; NULL when the point is not on the curve. */
MUST_CHECK EVP_PKEY *p521_from_point(const struct p521_point *point);

/* The key pair with a given private scalar and its point, for test vectors; NULL when invalid. */
MUST_CHECK EVP_PKEY *p521_from_scalar(const struct p521_point *point,
                                      const uint8_t scalar[P521_COORDINATE_SIZE]);

/* The point of a P-521 key; false when the key is of another kind. */
MUST_CHECK bool p521_point_of(const EVP_PKEY *key, struct p521_point *point);

#endif
